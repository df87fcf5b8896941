/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_schema.h"

#include <errno.h>

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define REQUIRED (CYAML_FLAG_OPTIONAL | SCHEMA_REQUIRED)
#define WORD     (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT) /* a word of a list, never its number */
#define WORD_DUE (WORD | SCHEMA_REQUIRED)

#define MANY      CYAML_UNLIMITED
#define TEXT_MAX  200 /* bytes of free text */
#define LABEL_MAX 100 /* bytes of what has a form of its own, judged later */

/* Words with one meaning stand together; messages offer the first of them. */
static const cyaml_strval_t kinds[] = {
	{ "residential", KIND_RESIDENTIAL },
	{ "business", KIND_BUSINESS },
	{ "infrastructure", KIND_INFRASTRUCTURE },
};
static const cyaml_strval_t addressings[] = {
	{ "dynamic", ADDRESSING_DYNAMIC },
	{ "fixed", ADDRESSING_FIXED },
	{ "cgnat", ADDRESSING_CGNAT },
};
static const cyaml_strval_t treatments[] = {
	{ "open", TREATMENT_OPEN },
	{ "closed", TREATMENT_CLOSED },
};
/* YAML 1.1 programs write the word "off" back as "false" or "no". */
static const cyaml_strval_t modes[] = {
	{ "off", MODE_OFF },         { "no", MODE_OFF },        { "false", MODE_OFF },
	{ "monitor", MODE_MONITOR }, { "reject", MODE_REJECT }, { "drop", MODE_DROP },
};
static const cyaml_strval_t inbounds[] = {
	{ "off", MODE_OFF },
	{ "no", MODE_OFF },
	{ "false", MODE_OFF },
	{ "monitor", MODE_MONITOR },
	{ "reject", MODE_REJECT },
	{ "drop", MODE_DROP },
	{ "on", RAW_INBOUND_AS_MODE },
	{ "yes", RAW_INBOUND_AS_MODE },
	{ "true", RAW_INBOUND_AS_MODE },
};
/* Not CYAML_BOOL: to it, every word but "no", "false", "disable" and "0" is true, "off" too. */
static const cyaml_strval_t yes_or_no[] = {
	{ "no", 0 }, { "false", 0 }, { "off", 0 }, { "yes", 1 }, { "true", 1 }, { "on", 1 },
};

static const cyaml_schema_value_t label = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1,
							       LABEL_MAX) };

#define FIELD_TEXT(key, flags, struct_, member) \
	CYAML_FIELD_STRING_PTR(key, flags, struct_, member, 1, TEXT_MAX)
#define FIELD_LABEL(key, flags, struct_, member) \
	CYAML_FIELD_STRING_PTR(key, flags, struct_, member, 1, LABEL_MAX)
#define FIELD_WORD(key, flags, struct_, member, words) \
	CYAML_FIELD_ENUM_PTR(key, flags, struct_, member, words, CYAML_ARRAY_LEN(words))
#define FIELD_LIST(key, flags, struct_, member, entry, min, max) \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), struct_, member, entry, min, max)

static const cyaml_schema_field_t operator_fields[] = {
	FIELD_TEXT("name", REQUIRED, struct raw_operator, name),
	FIELD_LABEL("as", OPTIONAL, struct raw_operator, as),
	FIELD_TEXT("contact", OPTIONAL, struct raw_operator, contact),
	FIELD_LIST("languages", OPTIONAL, struct raw_operator, languages, &label, 1, 16),
	FIELD_LIST("space", OPTIONAL, struct raw_operator, space, &label, 1, MANY),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t defaults_fields[] = {
	FIELD_WORD("mode", WORD, struct raw_defaults, mode, modes),
	FIELD_WORD("strict", WORD, struct raw_defaults, strict, yes_or_no),
	FIELD_WORD("inbound", WORD, struct raw_defaults, inbound, inbounds), CYAML_FIELD_END
};

static const cyaml_schema_field_t segment_fields[] = {
	FIELD_LABEL("name", REQUIRED, struct raw_segment, name),
	FIELD_WORD("kind", WORD_DUE, struct raw_segment, kind, kinds),
	FIELD_WORD("addressing", WORD, struct raw_segment, addressing, addressings),
	FIELD_TEXT("place", OPTIONAL, struct raw_segment, place),
	FIELD_LIST("prefixes", REQUIRED, struct raw_segment, prefixes, &label, 1, MANY),
	FIELD_WORD("treatment", WORD, struct raw_segment, treatment, treatments),
	FIELD_WORD("mode", WORD, struct raw_segment, mode, modes),
	FIELD_WORD("strict", WORD, struct raw_segment, strict, yes_or_no),
	FIELD_WORD("inbound", WORD, struct raw_segment, inbound, inbounds),
	FIELD_TEXT("restriction", OPTIONAL, struct raw_segment, restriction),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t smarthost_fields[] = {
	FIELD_LABEL("name", REQUIRED, struct raw_smarthost, name),
	FIELD_LIST("prefixes", REQUIRED, struct raw_smarthost, prefixes, &label, 1, MANY),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t wave_fields[] = {
	FIELD_LABEL("name", REQUIRED, struct raw_wave, name),
	FIELD_LIST("segments", REQUIRED, struct raw_wave, segments, &label, 1, PLAN_SEGMENTS_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t segment = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct raw_segment, segment_fields) };
static const cyaml_schema_value_t smarthost = { CYAML_VALUE_MAPPING(
    CYAML_FLAG_DEFAULT, struct raw_smarthost, smarthost_fields) };
static const cyaml_schema_value_t wave = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_wave,
							       wave_fields) };

static const cyaml_schema_field_t plan_fields[] = {
	CYAML_FIELD_MAPPING_PTR("operator", REQUIRED, struct raw_plan, operator_, operator_fields),
	CYAML_FIELD_MAPPING_PTR("defaults", OPTIONAL, struct raw_plan, defaults, defaults_fields),
	FIELD_LIST("segments", REQUIRED, struct raw_plan, segments, &segment, 1, PLAN_SEGMENTS_MAX),
	FIELD_LIST("smarthosts", OPTIONAL, struct raw_plan, smarthosts, &smarthost, 0, 1000),
	FIELD_LIST("waves", OPTIONAL, struct raw_plan, waves, &wave, 0, 1000),
	CYAML_FIELD_END
};

const cyaml_schema_value_t plan_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_plan,
							       plan_fields) };

const char *schema_noun(const cyaml_schema_field_t *fields)
{
	static const struct {
		const cyaml_schema_field_t *fields;
		const char *noun;
	} nouns[] = {
		{ plan_fields, "the plan" },         { operator_fields, "'operator'" },
		{ defaults_fields, "'defaults'" },   { segment_fields, "a segment" },
		{ smarthost_fields, "a smarthost" }, { wave_fields, "a wave" },
	};

	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++)
		if (nouns[i].fields == fields)
			return nouns[i].noun;
	return "a mapping";
}

static const cyaml_config_t config = {
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS, /* and no log_fn: nothing goes to stderr behind our back */
};

int raw_plan_load(const char *bytes, size_t len, struct raw_plan **ret, struct why *why)
{
	struct raw_plan *raw = NULL;
	cyaml_err_t err = cyaml_load_data((const uint8_t *)bytes, len, &config, &plan_schema,
					  (cyaml_data_t **)&raw, NULL);

	if (err == CYAML_ERR_OOM)
		return -ENOMEM;
	if (err != CYAML_OK)
		return why_set(why, -EINVAL, "%s", cyaml_strerror(err));
	*ret = raw;
	return 0;
}

void raw_plan_free(struct raw_plan *raw)
{
	cyaml_free(&config, &plan_schema, raw, 0);
}
