/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/plan_tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

struct builder {
	struct arena *arena;
	struct fault_list *faults;
	struct node *root;
	struct node *open[TREE_DEPTH_MAX]; /* containers that have not ended, outermost first */
	unsigned depth, documents;
	size_t nodes;
	const char *key; /* read, and its value not yet */
	unsigned key_line;
};

enum step { STEP_ON, STEP_DONE, STEP_BROKEN, STEP_OUT_OF_MEMORY };

static unsigned line_of(yaml_mark_t mark)
{
	return (unsigned)mark.line + 1;
}

/* C0, DEL, and C1 (UTF-8 c2 80 to c2 9f): in no name, and they confuse terminals and logs. */
static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0)
			return true;
	}
	return false;
}

static enum step broken(struct builder *b, unsigned line, const char *wrong, const char *right)
{
	fault_wrong(b->faults, FAULT_ERROR, line, "%s", wrong);
	fault_right(b->faults, "%s", right);
	return STEP_BROKEN;
}

static void refuse_extras(struct builder *b, unsigned line, const yaml_char_t *anchor,
			  const yaml_char_t *tag)
{
	if (anchor) {
		fault_wrong(b->faults, FAULT_ERROR, line, "YAML anchors are not allowed in a plan");
		fault_right(b->faults, "remove the '&name' and write the value where it is needed");
	}
	if (tag) {
		fault_wrong(b->faults, FAULT_ERROR, line, "YAML tags are not allowed in a plan");
		fault_right(b->faults, "remove the word that starts with '!'");
	}
}

/* Hang a node below the innermost open container, under the key read before it. */
static enum step node_add(struct builder *b, struct node *n)
{
	if (!n)
		return STEP_OUT_OF_MEMORY;
	if (++b->nodes > TREE_NODES_MAX)
		return broken(b, n->line, "the plan has more than 4 million values",
			      "split the network over several plans");
	if (b->depth == 0) {
		b->root = n;
		return STEP_ON;
	}
	struct node *parent = b->open[b->depth - 1];

	n->key = b->key;
	n->key_line = b->key_line;
	b->key = NULL;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	return STEP_ON;
}

static struct node *node_new(struct builder *b, enum node_type type, unsigned line)
{
	struct node *n = arena_get(b->arena, sizeof(*n));

	if (n) {
		n->type = type;
		n->line = line;
	}
	return n;
}

static bool key_is_due(const struct builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1]->type == NODE_MAPPING && !b->key;
}

static enum step on_key(struct builder *b, const char *text, unsigned line)
{
	b->key = text;
	b->key_line = line;
	return text ? STEP_ON : STEP_OUT_OF_MEMORY;
}

static enum step on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	unsigned line = line_of(e->start_mark);
	bool control = has_control(text, e->data.scalar.length);

	refuse_extras(b, line, e->data.scalar.anchor, e->data.scalar.tag);
	if (control) {
		fault_wrong(b->faults, FAULT_ERROR, line,
			    "a control character or line break stands in a value");
		fault_right(b->faults, "write the value on one line, as printable text");
		text = "?";
	}
	text = arena_text(b->arena, text, strlen(text));
	if (!text)
		return STEP_OUT_OF_MEMORY;
	if (key_is_due(b))
		return on_key(b, text, line);
	struct node *n = node_new(b, NODE_SCALAR, line);

	if (n) {
		n->text = text;
		n->left_out = control;
	}
	return node_add(b, n);
}

static enum step on_start(struct builder *b, enum node_type type, unsigned line)
{
	struct node *n = node_new(b, type, line);

	if (key_is_due(b))
		return broken(b, line, "a key must be a word, not a list or a mapping",
			      "write 'key: value'");
	if (b->depth == TREE_DEPTH_MAX)
		return broken(b, line, "the plan is nested deeper than any key of it",
			      "see porteiro-plan(5) for the keys");
	enum step step = node_add(b, n);

	if (step == STEP_ON)
		b->open[b->depth++] = n;
	return step;
}

static enum step on_alias(struct builder *b, unsigned line)
{
	fault_wrong(b->faults, FAULT_ERROR, line, "YAML aliases are not allowed in a plan");
	fault_right(b->faults, "replace the '*name' by the value it stands for");
	if (key_is_due(b))
		return on_key(b, arena_text(b->arena, "?", 1), line);
	struct node *n = node_new(b, NODE_SCALAR, line);

	if (n) {
		n->text = "?";
		n->left_out = true;
	}
	return node_add(b, n);
}

static enum step on_event(struct builder *b, const yaml_event_t *e)
{
	unsigned line = line_of(e->start_mark);

	switch (e->type) {
	case YAML_STREAM_END_EVENT:
		return STEP_DONE;
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ == 0)
			return STEP_ON;
		return broken(b, line, "a second YAML document starts here",
			      "a plan is one document: remove the line '---'");
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, line);
	case YAML_SEQUENCE_START_EVENT:
		refuse_extras(b, line, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		return on_start(b, NODE_SEQUENCE, line);
	case YAML_MAPPING_START_EVENT:
		refuse_extras(b, line, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		return on_start(b, NODE_MAPPING, line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return STEP_ON;
	default:
		return STEP_ON;
	}
}

static enum step on_syntax_error(struct builder *b, const yaml_parser_t *p)
{
	unsigned line = line_of(p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return STEP_OUT_OF_MEMORY;
	if (p->error == YAML_READER_ERROR) /* the reader counts bytes, not lines */
		line = line_of(p->mark);
	fault_wrong(b->faults, FAULT_ERROR, line, "this is not YAML: %s%s%s",
		    p->context ? p->context : "", p->context ? ", " : "",
		    p->problem ? p->problem : "unreadable");
	fault_right(b->faults, "indent with spaces only; quote what begins with a sign such as ':' "
			       "or '*', or holds ': ' or ' #'");
	return STEP_BROKEN;
}

static enum step read_events(struct builder *b, yaml_parser_t *p)
{
	enum step step = STEP_ON;

	while (step == STEP_ON) {
		yaml_event_t e;

		if (!yaml_parser_parse(p, &e))
			return on_syntax_error(b, p);
		step = on_event(b, &e);
		yaml_event_delete(&e);
	}
	return step;
}

int tree_read(const char *bytes, size_t len, struct arena *arena, struct fault_list *faults,
	      struct node **ret)
{
	struct builder b = { .arena = arena, .faults = faults };
	yaml_parser_t p;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	/* libyaml takes no NULL, also for nothing. */
	yaml_parser_set_input_string(&p, (const unsigned char *)(len ? bytes : ""), len);
	enum step step = read_events(&b, &p);

	yaml_parser_delete(&p);
	if (step == STEP_OUT_OF_MEMORY)
		return -ENOMEM;
	*ret = step == STEP_DONE ? b.root : NULL;
	return 0;
}

static struct node *kept(struct node *n)
{
	while (n && n->left_out)
		n = n->next;
	return n;
}

struct node *node_first(const struct node *parent)
{
	return parent ? kept(parent->first) : NULL;
}

struct node *node_next(const struct node *n)
{
	return n ? kept(n->next) : NULL;
}

struct node *node_get(const struct node *mapping, const char *key)
{
	for (struct node *n = node_first(mapping); n; n = node_next(n))
		if (n->key && strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

static void text_write(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

void tree_write(const struct node *n, FILE *out)
{
	if (n->type == NODE_SCALAR) {
		text_write(n->text, out);
		return;
	}
	putc(n->type == NODE_MAPPING ? '{' : '[', out);
	for (const struct node *c = node_first(n); c; c = node_next(c)) {
		if (c->key) {
			text_write(c->key, out);
			fputs(": ", out);
		}
		tree_write(c, out);
		fputs(",\n", out);
	}
	putc(n->type == NODE_MAPPING ? '}' : ']', out);
}
