/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_shape.h"

#include <string.h>

#include "model/plan_schema.h"

#define WORDS_MAX 32
#define NEAR_MAX  1000 /* faults up to which the nearest word is sought: it is for people */

static unsigned fault_line(const struct node *n)
{
	return n->key && n->type != NODE_SCALAR ? n->key_line : n->line;
}

/* "'mode'", or "an entry" of a list. */
static const char *name_of(const struct node *n, char ret[static QUOTE_MAX + 2])
{
	char text[QUOTE_MAX];

	if (!n->key)
		return "an entry of this list";
	snprintf(ret, QUOTE_MAX + 2, "'%s'", quote(n->key, text));
	return ret;
}

static const char *type_noun(enum node_type type)
{
	switch (type) {
	case NODE_SCALAR:
		return "a single value";
	case NODE_SEQUENCE:
		return "a list";
	case NODE_MAPPING:
		return "a mapping of keys";
	}
	return "something else";
}

static void add_word(char *list, size_t room, const char *word, bool last)
{
	size_t len = strlen(list);

	snprintf(list + len, room - len, "%s%s", len == 0 ? "" : last ? " or " : ", ", word);
}

/* "off, monitor, reject or drop": the first of the words for each meaning. */
static void words_list(const cyaml_strval_t *words, size_t count, char *ret, size_t room)
{
	size_t end = count;

	*ret = '\0';
	while (end > 1 && words[end - 1].val == words[end - 2].val)
		end--;
	for (size_t i = 0; i < end; i++)
		if (i == 0 || words[i].val != words[i - 1].val)
			add_word(ret, room, words[i].str, i == end - 1);
}

static bool wrong_type(struct node *n, enum node_type wanted, struct fault_list *faults)
{
	char name[QUOTE_MAX + 2];
	bool empty = n->type == NODE_SCALAR && !*n->text;

	if (empty)
		fault_wrong(faults, FAULT_ERROR, fault_line(n), "%s has no value",
			    name_of(n, name));
	else
		fault_wrong(faults, FAULT_ERROR, fault_line(n), "%s is %s, not %s",
			    name_of(n, name), type_noun(n->type), type_noun(wanted));
	if (wanted == NODE_SEQUENCE)
		fault_right(faults, "write a list, one '- ' line an entry");
	else if (wanted == NODE_MAPPING)
		fault_right(faults, "write 'key: value' lines, indented");
	else
		fault_right(faults, n->type == NODE_MAPPING
					? "write one value; quote it if it ends in ':'"
					: "write one value");
	return false;
}

static bool check_text(struct node *n, const cyaml_schema_value_t *schema,
		       struct fault_list *faults)
{
	char name[QUOTE_MAX + 2];
	size_t len;

	if (n->type != NODE_SCALAR)
		return wrong_type(n, NODE_SCALAR, faults);
	len = strlen(n->text);
	if (len < schema->string.min) {
		fault_wrong(faults, FAULT_ERROR, n->line, "%s has no value", name_of(n, name));
		fault_right(faults, "write a value");
		return false;
	}
	if (len > schema->string.max) {
		fault_wrong(faults, FAULT_ERROR, n->line, "%s is %zu bytes long", name_of(n, name),
			    len);
		fault_right(faults, "at most %u bytes fit", schema->string.max);
		return false;
	}
	return true;
}

static bool check_word(struct node *n, const cyaml_schema_value_t *schema,
		       struct fault_list *faults)
{
	const cyaml_strval_t *words = schema->enumeration.strings;
	size_t count = schema->enumeration.count;
	const char *texts[WORDS_MAX] = { NULL };
	char name[QUOTE_MAX + 2], value[QUOTE_MAX], list[120];

	if (n->type != NODE_SCALAR)
		return wrong_type(n, NODE_SCALAR, faults);
	for (size_t i = 0; i < count && i < WORDS_MAX; i++) {
		if (strcmp(words[i].str, n->text) == 0)
			return true;
		texts[i] = words[i].str;
	}
	const char *near = NULL;

	if (faults->found.count < NEAR_MAX)
		near = nearest_word(n->text, texts, count < WORDS_MAX ? count : WORDS_MAX);

	words_list(words, count, list, sizeof(list));
	fault_wrong(faults, FAULT_ERROR, n->line, "%s can not be '%s'", name_of(n, name),
		    quote(n->text, value));
	if (near)
		fault_right(faults, "did you mean '%s'? It is one of: %s", near, list);
	else
		fault_right(faults, "write %s", list);
	return false;
}

static bool check_value(struct node *n, const cyaml_schema_value_t *schema,
			struct fault_list *faults);

static bool check_list(struct node *n, const cyaml_schema_value_t *schema,
		       struct fault_list *faults)
{
	char name[QUOTE_MAX + 2];
	unsigned count = 0;

	if (n->type != NODE_SEQUENCE)
		return wrong_type(n, NODE_SEQUENCE, faults);
	for (struct node *c = n->first; c; c = c->next) {
		if (++count == schema->sequence.max + 1ull) {
			fault_wrong(faults, FAULT_ERROR, c->line, "%s has more than %u entries",
				    name_of(n, name), schema->sequence.max);
			fault_right(faults, "split the network over several plans");
		}
		if (count > schema->sequence.max || c->left_out ||
		    !check_value(c, schema->sequence.entry, faults))
			c->left_out = true;
	}
	if (count < schema->sequence.min) {
		fault_wrong(faults, FAULT_ERROR, fault_line(n), "%s is empty", name_of(n, name));
		fault_right(faults, "write at least one entry");
		return false;
	}
	/* Of a list that must have entries and has no sound one, nothing is loaded. */
	return node_first(n) || schema->sequence.min == 0;
}

static void unknown_key(const struct node *n, const cyaml_schema_field_t *fields,
			struct fault_list *faults)
{
	const char *keys[WORDS_MAX];
	char key[QUOTE_MAX], list[160] = "";
	size_t count = 0;

	for (; fields[count].key && count < WORDS_MAX; count++)
		keys[count] = fields[count].key;
	for (size_t i = 0; i < count; i++)
		add_word(list, sizeof(list), keys[i], false);

	const char *near =
	    faults->found.count < NEAR_MAX ? nearest_word(n->key, keys, count) : NULL;

	fault_wrong(faults, FAULT_ERROR, n->key_line, "unknown key '%s' in %s", quote(n->key, key),
		    schema_noun(fields));
	if (near)
		fault_right(faults, "did you mean '%s'?", near);
	else
		fault_right(faults, "the keys here are %s", list);
}

static int field_index(const cyaml_schema_field_t *fields, const char *key)
{
	for (int i = 0; fields[i].key; i++)
		if (strcmp(fields[i].key, key) == 0)
			return i;
	return -1;
}

static void check_missing(const struct node *n, const cyaml_schema_field_t *fields, uint32_t seen,
			  struct fault_list *faults)
{
	for (unsigned i = 0; fields[i].key; i++) {
		if (!(fields[i].value.flags & SCHEMA_REQUIRED) || seen & 1u << i)
			continue;
		fault_wrong(faults, FAULT_ERROR, n->line, "%s has no '%s'", schema_noun(fields),
			    fields[i].key);
		fault_right(faults, "add '%s:'; see porteiro-plan(5)", fields[i].key);
	}
}

static bool check_mapping(struct node *n, const cyaml_schema_field_t *fields,
			  struct fault_list *faults)
{
	uint32_t seen = 0;

	if (n->type != NODE_MAPPING)
		return wrong_type(n, NODE_MAPPING, faults);
	for (struct node *c = n->first; c; c = c->next) {
		char key[QUOTE_MAX];
		int i = field_index(fields, c->key);

		if (i < 0) {
			unknown_key(c, fields, faults);
			c->left_out = true;
		} else if (seen & 1u << i) {
			fault_wrong(faults, FAULT_ERROR, c->key_line, "'%s' stands twice in %s",
				    quote(c->key, key), schema_noun(fields));
			fault_right(faults, "keep one of the two");
			c->left_out = true;
		} else {
			seen |= 1u << i;
			if (c->left_out || !check_value(c, &fields[i].value, faults))
				c->left_out = true;
		}
	}
	check_missing(n, fields, seen, faults);
	return true;
}

static bool check_value(struct node *n, const cyaml_schema_value_t *schema,
			struct fault_list *faults)
{
	switch (schema->type) {
	case CYAML_MAPPING:
		return check_mapping(n, schema->mapping.fields, faults);
	case CYAML_SEQUENCE:
		return check_list(n, schema, faults);
	case CYAML_ENUM:
		return check_word(n, schema, faults);
	case CYAML_STRING:
		return check_text(n, schema, faults);
	default:
		return false; /* no such type in the tables */
	}
}

bool shape_check(struct node *root, const cyaml_schema_value_t *schema, struct fault_list *faults)
{
	if (root->type == NODE_MAPPING)
		return check_value(root, schema, faults);
	fault_wrong(faults, FAULT_ERROR, root->line, "the plan is %s, not %s",
		    type_noun(root->type), type_noun(NODE_MAPPING));
	fault_right(faults, "write 'operator:' and 'segments:'; see porteiro-plan(5)");
	return false;
}
