/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include <wgtcpd/vault/vault.h>

#include "config_parser.h"

enum { PIECE = 64 << 10, LINE_MAX_LEN = 4096, NAME_SHOWN_MAX = 24, SUGGEST_DISTANCE = 2 };

static const char *const section_names[] = {
    [SECTION_INTERFACE] = "Interface", [SECTION_PORT] = "Port", [SECTION_PEER] = "Peer"};

/* --- errors --- */

__attribute__((format(printf, 3, 0))) static void
report(struct parser *ps, unsigned line, const char *format, va_list args)
{
    ps->failed = true;
    fprintf(ps->errors, "%s:%u: ", ps->file, line);
    vfprintf(ps->errors, format, args);
    fputc('\n', ps->errors);
}

void
config_error(struct parser *ps, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(ps, ps->line, format, args);
    va_end(args);
}

void
config_error_at(struct parser *ps, unsigned line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(ps, line, format, args);
    va_end(args);
}

/* --- pieces of text --- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct slice
config_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

bool
config_slice_is(struct slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

/* What lies before the first c, or everything. */
static struct slice
before(struct slice s, char c)
{
    const char *at = memchr(s.p, c, s.len);

    return at != NULL ? (struct slice){s.p, (size_t)(at - s.p)} : s;
}

/* What lies behind a front part and the character that ended it. */
static struct slice
behind(struct slice s, struct slice front)
{
    return (struct slice){s.p + front.len + 1, s.len - front.len - 1};
}

static bool
is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A name may be shown if it cannot be a part of a key that somebody pasted. */
static bool
is_plain_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter_or_digit(s.p[i]))
            return false;
    return s.len > 0 && s.len <= NAME_SHOWN_MAX;
}

/* --- names that were misspelt --- */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Levenshtein's distance; case does not matter. */
static unsigned
edit_distance(struct slice a, const char *b)
{
    unsigned row[NAME_SHOWN_MAX + 1], diagonal, above;
    size_t len = strlen(b);

    for (unsigned j = 0; j <= len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= len; j++) {
            above = row[j];
            row[j] =
                min3(above + 1, row[j - 1] + 1, diagonal + (lower(a.p[i - 1]) != lower(b[j - 1])));
            diagonal = above;
        }
    }
    return row[len];
}

static void
list_keys(struct parser *ps, char *buf, size_t size)
{
    size_t at = 0;

    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (config_key_section(k) == ps->section && at < size)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at > 0 ? ", " : "",
                                   config_key_name(k));
}

static enum config_key
closest_key(struct parser *ps, struct slice name)
{
    unsigned best = SUGGEST_DISTANCE + 1, distance;
    enum config_key closest = KEY_COUNT;

    for (unsigned k = 0; k < KEY_COUNT; k++) {
        if (config_key_section(k) != ps->section)
            continue;
        distance = edit_distance(name, config_key_name(k));
        if (distance < best && distance < name.len) {
            best = distance;
            closest = k;
        }
    }
    return closest;
}

/* A key of another section by that name, or KEY_COUNT. */
static enum config_key
foreign_key(struct slice name)
{
    unsigned k = 0;

    while (k < KEY_COUNT && !config_slice_is(name, config_key_name(k)))
        k++;
    return k;
}

static void
unknown_key(struct parser *ps, struct slice name)
{
    const char *section = section_names[ps->section];
    enum config_key key = foreign_key(name);
    char keys[512];

    if (key < KEY_COUNT) {
        config_error(ps, "%s is no key of [%s]; it belongs in [%s]", config_key_name(key), section,
                     section_names[config_key_section(key)]);
        return;
    }
    list_keys(ps, keys, sizeof(keys));
    if (!is_plain_name(name)) {
        config_error(ps, "unknown key in [%s]; keys here are %s", section, keys);
        return;
    }
    key = closest_key(ps, name);
    if (key == KEY_COUNT) {
        config_error(ps, "unknown key '%.*s' in [%s]; keys here are %s", (int)name.len, name.p,
                     section, keys);
        return;
    }
    ps->meant[key] = true;
    config_error(ps, "unknown key '%.*s' in [%s]; did you mean %s?", (int)name.len, name.p, section,
                 config_key_name(key));
}

/* --- sections --- */

static void
forget_keys(struct parser *ps, enum config_section section)
{
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (config_key_section(k) == section) {
            ps->seen[k] = 0;
            ps->meant[k] = false;
        }
}

static void
end_section(struct parser *ps)
{
    if (ps->section == SECTION_PORT)
        config_check_port(ps);
    else if (ps->section == SECTION_PEER)
        config_check_peer(ps);
}

static void
begin_port(struct parser *ps)
{
    struct config_port *port = calloc(1, sizeof(*port));

    if (port == NULL) {
        config_error(ps, "out of memory");
        ps->section = SECTION_UNKNOWN;
        return;
    }
    port->line = ps->line;
    *ps->next_port = ps->port = port;
    ps->next_port = &port->next;
    ps->c->n_ports++;
}

static void
begin_peer(struct parser *ps)
{
    struct config_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL) {
        config_error(ps, "out of memory");
        ps->section = SECTION_UNKNOWN;
        return;
    }
    peer->line = ps->line;
    *ps->next_peer = ps->peer = peer;
    ps->next_peer = &peer->next;
    ps->c->n_peers++;
}

static void
begin_section(struct parser *ps, enum config_section section)
{
    ps->section = section;
    switch (section) {
    case SECTION_INTERFACE: /* may come in several parts */
        if (ps->interface_line == 0)
            ps->interface_line = ps->line;
        break;
    case SECTION_PORT:
        forget_keys(ps, section);
        begin_port(ps);
        break;
    case SECTION_PEER:
        forget_keys(ps, section);
        begin_peer(ps);
        break;
    default:
        break;
    }
}

static void
unknown_section(struct parser *ps, struct slice name)
{
    ps->unknown_section = true;
    ps->section = SECTION_UNKNOWN;
    if (!is_plain_name(name)) {
        config_error(ps, "unknown section; sections are [Interface], [Port] and [Peer]");
        return;
    }
    for (unsigned s = SECTION_INTERFACE; s <= SECTION_PEER; s++)
        if (edit_distance(name, section_names[s]) <= SUGGEST_DISTANCE) {
            config_error(ps, "unknown section [%.*s]; did you mean [%s]?", (int)name.len, name.p,
                         section_names[s]);
            return;
        }
    config_error(ps, "unknown section [%.*s]; sections are [Interface], [Port] and [Peer]",
                 (int)name.len, name.p);
}

static void
parse_header(struct parser *ps, struct slice line)
{
    struct slice name;

    end_section(ps);
    if (line.p[line.len - 1] != ']') {
        config_error(ps, "section header without its end; write [Interface], [Port] or [Peer]");
        ps->unknown_section = true;
        ps->section = SECTION_UNKNOWN;
        return;
    }
    name = config_trim((struct slice){line.p + 1, line.len - 2});
    for (unsigned s = SECTION_INTERFACE; s <= SECTION_PEER; s++)
        if (config_slice_is(name, section_names[s])) {
            begin_section(ps, s);
            return;
        }
    unknown_section(ps, name);
}

/* --- lines --- */

static bool
check_bytes(struct parser *ps, enum config_key key, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (c < 0x20 ? c != '\t' : c == 0x7f) {
            config_error(ps, "control character 0x%02x in the value of %s; remove it", c,
                         config_key_name(key));
            return false;
        }
        if (c >= 0x80 && !config_key_is_hook(key)) {
            config_error(ps, "byte 0x%02x in the value of %s; use ASCII characters only", c,
                         config_key_name(key));
            return false;
        }
    }
    return true;
}

static void
parse_assignment(struct parser *ps, struct slice name, struct slice value)
{
    unsigned k = 0;

    while (k < KEY_COUNT &&
           (config_key_section(k) != ps->section || !config_slice_is(name, config_key_name(k))))
        k++;
    if (k == KEY_COUNT) {
        unknown_key(ps, name);
        return;
    }
    if (ps->seen[k] != 0 && !config_key_repeats(k)) {
        config_error(ps, "%s given again; it is on line %u already, keep one", config_key_name(k),
                     ps->seen[k]);
        return;
    }
    if (ps->seen[k] == 0)
        ps->seen[k] = ps->line;
    if (value.len == 0)
        config_error(ps, "%s has no value; give it one or remove the line", config_key_name(k));
    else if (check_bytes(ps, k, value)) {
        config_set(ps, k, value);
        config_keep(ps, k, value);
    }
}

/* Hooks are shell commands: '#' and everything else in them stays. */
static bool
is_hook_name(struct slice name)
{
    enum config_key key = foreign_key(name);

    return key < KEY_COUNT && config_key_is_hook(key);
}

static void
parse_content(struct parser *ps, struct slice line)
{
    struct slice name = before(line, '=');

    if (name.len == line.len || !is_hook_name(config_trim(name))) {
        line = config_trim(before(line, '#'));
        name = before(line, '=');
    }
    if (line.len == 0)
        return;
    if (line.p[0] == '[') {
        parse_header(ps, line);
        return;
    }
    if (ps->section == SECTION_UNKNOWN)
        return;
    if (name.len == line.len)
        config_error(ps, "neither a section, a key with a value nor a comment; write Key = value");
    else if (ps->section == SECTION_NONE)
        config_error(ps, "key before the first section; begin with [Interface]");
    else
        parse_assignment(ps, config_trim(name), config_trim(behind(line, name)));
}

static struct slice
without_byte_order_mark(struct slice s)
{
    static const char mark[] = "\xef\xbb\xbf";

    return s.len >= 3 && memcmp(s.p, mark, 3) == 0 ? (struct slice){s.p + 3, s.len - 3} : s;
}

static void
parse_line(struct parser *ps, struct slice line)
{
    ps->line++;
    if (ps->line == 1)
        line = without_byte_order_mark(line);
    if (ps->passed + line.len > LINE_MAX_LEN)
        config_error(ps, "line of %zu bytes; the limit is %d, lists may be given on several lines",
                     ps->passed + line.len, LINE_MAX_LEN);
    else if (memchr(line.p, '\0', line.len) != NULL)
        config_error(ps, "NUL byte; the file must be plain text");
    else
        parse_content(ps, config_trim(line));
    ps->passed = 0;
}

/* All lines that end in the text; the rest is what is left of it. */
static struct slice
parse_lines(struct parser *ps, struct slice text)
{
    struct slice line = before(text, '\n');

    while (line.len < text.len) {
        parse_line(ps, line);
        text = behind(text, line);
        line = before(text, '\n');
    }
    return text;
}

/* --- the text --- */

/* What begins a line moves to the front of the buffer, for its end to be read behind it. */
static void
parse_pieces(struct parser *ps, char *buf, size_t (*read)(void *ctx, char *buf, size_t size),
             void *ctx)
{
    struct slice rest = {buf, 0};
    size_t n;

    while ((n = read(ctx, buf + rest.len, PIECE - rest.len)) > 0) {
        rest = parse_lines(ps, (struct slice){buf, rest.len + n});
        if (rest.len == PIECE) {
            ps->passed += rest.len;
            rest.len = 0;
        }
        memmove(buf, rest.p, rest.len);
    }
    if (rest.len > 0 || ps->passed > 0)
        parse_line(ps, (struct slice){buf, rest.len});
    end_section(ps);
}

static void
parse_all(struct parser *ps, size_t (*read)(void *ctx, char *buf, size_t size), void *ctx)
{
    char *buf = vault_alloc(PIECE); /* keys come through it */

    if (buf == NULL) {
        config_error_at(ps, 1, "out of memory");
        return;
    }
    parse_pieces(ps, buf, read, ctx);
    vault_free(buf, PIECE);
}

static size_t
read_text(void *ctx, char *buf, size_t size)
{
    struct slice *text = ctx;
    size_t n = text->len < size ? text->len : size;

    memcpy(buf, text->p, n);
    *text = (struct slice){text->p + n, text->len - n};
    return n;
}

/* --- the whole --- */

static bool
is_ifname(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter_or_digit(s.p[i]) && strchr("_=+.-", s.p[i]) == NULL)
            return false;
    return s.len > 0 && s.len <= CONFIG_IFNAME_MAX && !config_slice_is(s, ".") &&
           !config_slice_is(s, "..");
}

static void
set_ifname(struct parser *ps)
{
    static const char suffix[] = ".conf";
    const char *slash = strrchr(ps->file, '/');
    struct slice name = {slash != NULL ? slash + 1 : ps->file, 0};
    size_t cut = sizeof(suffix) - 1;

    name.len = strlen(name.p);
    if (name.len > cut && strcmp(name.p + name.len - cut, suffix) == 0)
        name.len -= cut;
    if (is_ifname(name))
        memcpy(ps->c->ifname, name.p, name.len);
    else
        config_error_at(ps, 1,
                        "the file name gives no interface name; name it NAME.conf with 1 to %d "
                        "letters, digits or _=+.-",
                        CONFIG_IFNAME_MAX);
}

static struct config *
new_config(void)
{
    struct config *c = vault_alloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    c->listen_udp = c->listen_tcp = true;
    c->workers = 1;
    c->log_level = LOG_LEVEL_INFO;
    c->telemetry = true;
    c->inner = strdup("tun");
    if (c->inner == NULL) {
        vault_free(c, sizeof(*c));
        return NULL;
    }
    return c;
}

struct config *
config_parse_from(const char *file, size_t (*read)(void *ctx, char *buf, size_t size), void *ctx,
                  FILE *errors)
{
    struct parser ps = {.file = file, .errors = errors, .c = new_config()};

    if (ps.c == NULL) {
        config_error_at(&ps, 1, "out of memory");
        return NULL;
    }
    ps.next_port = &ps.c->ports;
    ps.next_peer = &ps.c->peers;
    set_ifname(&ps);
    parse_all(&ps, read, ctx);
    config_check_all(&ps);
    if (ps.failed) {
        config_free(ps.c);
        return NULL;
    }
    return ps.c;
}

struct config *
config_parse(const char *file, const char *text, size_t len, FILE *errors)
{
    struct slice all = {text, len};

    return config_parse_from(file, read_text, &all, errors);
}

bool
config_strings_have(const struct config_strings *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

void
config_strings_clear(struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_strings){.n = 0};
}

static void
free_ports(struct config_port *port)
{
    struct config_port *next;

    for (; port != NULL; port = next) {
        next = port->next;
        free(port->device);
        free(port->tap);
        free(port->addresses);
        free(port->routes);
        config_strings_clear(&port->lines);
        free(port);
    }
}

static void
free_peer(struct config_peer *peer)
{
    free(peer->allowed_ips);
    free(peer->endpoint.host);
    vault_free(peer->preshared_key, CONFIG_KEY_LEN);
    free(peer);
}

void
config_drop_peers(struct config *c, const struct config_peer *end)
{
    while (c->peers != end) {
        struct config_peer *peer = c->peers;

        c->peers = peer->next;
        c->n_peers--;
        free_peer(peer);
    }
}

void
config_free(struct config *c)
{
    if (c == NULL)
        return;
    free(c->addresses);
    config_strings_clear(&c->dns);
    config_strings_clear(&c->pre_up);
    config_strings_clear(&c->post_up);
    config_strings_clear(&c->pre_down);
    config_strings_clear(&c->post_down);
    config_strings_clear(&c->lines);
    free(c->inner);
    free(c->user);
    free(c->cores);
    free(c->eal_args);
    free(c->key_log);
    free_ports(c->ports);
    free_ports(c->inner_port);
    config_drop_peers(c, NULL);
    vault_free(c, sizeof(*c));
}
