/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>

#include <wgtcpd/control/config.h>

/* --- keys: no branch and no table index depends on them --- */

enum { KEY_TEXT_LEN = 44, KEY_LAST_GROUP = 40, KEY_HEX_LEN = 2 * CONFIG_KEY_LEN };

/* All ones if low <= v <= high, else 0; for values below 2^31. */
static uint32_t
mask_in(uint32_t v, uint32_t low, uint32_t high)
{
    return (((v - low) | (high - v)) >> 31) - 1;
}

/* The value of a base64 digit; `valid` loses its bits if it is none. */
static uint32_t
base64_value(char digit, uint32_t *valid)
{
    uint32_t c = (unsigned char)digit;
    uint32_t upper = mask_in(c, 'A', 'Z'), lower = mask_in(c, 'a', 'z');
    uint32_t number = mask_in(c, '0', '9'), plus = mask_in(c, '+', '+'),
             slash = mask_in(c, '/', '/');

    *valid &= upper | lower | number | plus | slash;
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (number & (c - '0' + 52)) |
           (plus & 62) | (slash & 63);
}

static char
base64_digit(uint32_t v)
{
    return (char)((mask_in(v, 0, 25) & (v + 'A')) | (mask_in(v, 26, 51) & (v - 26 + 'a')) |
                  (mask_in(v, 52, 61) & (v - 52 + '0')) | (mask_in(v, 62, 62) & '+') |
                  (mask_in(v, 63, 63) & '/'));
}

static uint32_t
base64_group(const char *digits, unsigned n, uint32_t *valid)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 6 | base64_value(digits[i], valid);
    return v;
}

bool
config_key_parse(uint8_t key[CONFIG_KEY_LEN], const char *text)
{
    uint8_t bytes[CONFIG_KEY_LEN];
    uint32_t valid = UINT32_MAX, v;
    size_t at = 0;

    if (strnlen(text, KEY_TEXT_LEN + 1) != KEY_TEXT_LEN || text[KEY_TEXT_LEN - 1] != '=')
        return false;
    for (unsigned i = 0; i < KEY_LAST_GROUP; i += 4) {
        v = base64_group(text + i, 4, &valid);
        bytes[at++] = (uint8_t)(v >> 16);
        bytes[at++] = (uint8_t)(v >> 8);
        bytes[at++] = (uint8_t)v;
    }
    v = base64_group(text + KEY_LAST_GROUP, 3, &valid);
    bytes[at++] = (uint8_t)(v >> 10);
    bytes[at] = (uint8_t)(v >> 2);

    /* Two bits of the last digit are not used and must be zero: one text a key. */
    if (valid != 0 && (v & 3) == 0)
        memcpy(key, bytes, CONFIG_KEY_LEN);
    explicit_bzero(bytes, sizeof(bytes));
    return valid != 0 && (v & 3) == 0;
}

void
config_key_format(char text[45], const uint8_t key[CONFIG_KEY_LEN])
{
    uint32_t v;
    size_t at = 0;

    for (unsigned i = 0; i < 30; i += 3) {
        v = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 | key[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[at++] = base64_digit(v >> shift & 63);
    }
    v = (uint32_t)key[30] << 10 | (uint32_t)key[31] << 2;
    for (int shift = 12; shift >= 0; shift -= 6)
        text[at++] = base64_digit(v >> shift & 63);
    text[at++] = '=';
    text[at] = '\0';
}

/* The value of a hexadecimal digit; `valid` loses its bits if it is none. */
static uint32_t
hex_value(char digit, uint32_t *valid)
{
    uint32_t c = (unsigned char)digit;
    uint32_t upper = mask_in(c, 'A', 'F'), lower = mask_in(c, 'a', 'f');
    uint32_t number = mask_in(c, '0', '9');

    *valid &= upper | lower | number;
    return (upper & (c - 'A' + 10)) | (lower & (c - 'a' + 10)) | (number & (c - '0'));
}

static char
hex_digit(uint32_t v)
{
    return (char)((mask_in(v, 0, 9) & (v + '0')) | (mask_in(v, 10, 15) & (v - 10 + 'a')));
}

bool
config_key_parse_hex(uint8_t key[CONFIG_KEY_LEN], const char *text)
{
    uint8_t bytes[CONFIG_KEY_LEN];
    uint32_t valid = UINT32_MAX;

    if (strnlen(text, KEY_HEX_LEN + 1) != KEY_HEX_LEN)
        return false;
    for (unsigned i = 0; i < CONFIG_KEY_LEN; i++)
        bytes[i] =
            (uint8_t)(hex_value(text[2 * i], &valid) << 4 | hex_value(text[2 * i + 1], &valid));
    if (valid != 0)
        memcpy(key, bytes, CONFIG_KEY_LEN);
    explicit_bzero(bytes, sizeof(bytes));
    return valid != 0;
}

void
config_key_format_hex(char text[65], const uint8_t key[CONFIG_KEY_LEN])
{
    for (unsigned i = 0; i < CONFIG_KEY_LEN; i++) {
        text[2 * i] = hex_digit(key[i] >> 4);
        text[2 * i + 1] = hex_digit(key[i] & 15);
    }
    text[KEY_HEX_LEN] = '\0';
}

/* --- addresses --- */

bool
ip_addr_parse(struct ip_addr *a, const char *text)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1)
        *a = ip_addr_v4(bytes);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *a = ip_addr_v6(bytes);
    else
        return false;
    return true;
}

/* A prefix length: decimal digits without leading zeros. */
static bool
prefix_len_parse(uint8_t *len, const char *text, unsigned max)
{
    unsigned v = 0, digits = 0;

    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 3; digits++)
        v = v * 10 + (unsigned)(text[digits] - '0');
    if (digits == 0 || text[digits] != '\0' || (text[0] == '0' && digits > 1) || v > max)
        return false;
    *len = (uint8_t)v;
    return true;
}

bool
ip_prefix_parse(struct ip_prefix *p, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char addr[INET6_ADDRSTRLEN];
    struct ip_prefix parsed;
    unsigned max;

    if (len >= sizeof(addr))
        return false;
    memcpy(addr, text, len);
    addr[len] = '\0';
    if (!ip_addr_parse(&parsed.addr, addr))
        return false;
    max = ip_addr_len(&parsed.addr) * 8;
    parsed.len = (uint8_t)max;
    if (slash != NULL && !prefix_len_parse(&parsed.len, slash + 1, max))
        return false;
    *p = parsed;
    return true;
}

char *
ip_addr_format(char text[IP_TEXT_MAX], const struct ip_addr *a)
{
    if (a->family == IP_V4)
        inet_ntop(AF_INET, a->bytes, text, IP_TEXT_MAX);
    else if (a->family == IP_V6)
        inet_ntop(AF_INET6, a->bytes, text, IP_TEXT_MAX);
    else
        memcpy(text, "none", sizeof("none"));
    return text;
}

char *
ip_prefix_format(char text[IP_TEXT_MAX], const struct ip_prefix *p)
{
    size_t at = strlen(ip_addr_format(text, &p->addr));

    snprintf(text + at, IP_TEXT_MAX - at, "/%u", p->len);
    return text;
}

char *
ip_endpoint_format(char text[IP_TEXT_MAX], const struct ip_endpoint *e)
{
    char addr[IP_TEXT_MAX];

    ip_addr_format(addr, &e->addr);
    if (e->addr.family == IP_V6)
        snprintf(text, IP_TEXT_MAX, "[%.45s]:%u", addr, e->port);
    else
        snprintf(text, IP_TEXT_MAX, "%.45s:%u", addr, e->port);
    return text;
}
