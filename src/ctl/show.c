/* SPDX-License-Identifier: BSD-3-Clause */
/* `show` in the manner of wg. */
#include <inttypes.h>
#include <string.h>

#include "ctl.h"

static void
line(const struct out *o, const char *label, const char *text)
{
    out_label(o, label);
    fprintf(o->to, "%s\n", text);
}

static void
print_interface(const struct out *o, const json_t *r)
{
    const char *key = text_of(r, "public_key");

    out_style(o, STYLE_INTERFACE);
    fputs("interface", o->to);
    out_style(o, STYLE_NONE);
    fprintf(o->to, ": %s\n", text_of(r, "interface"));
    line(o, "public key", *key != '\0' ? key : "(none)");
    if (*key != '\0')
        line(o, "private key", "(hidden)");
    out_label(o, "listening port");
    fprintf(o->to, "%" PRIu64 "\n", count_of(r, "listening_port"));
    if (count_of(r, "fwmark") != 0) {
        out_label(o, "fwmark");
        fprintf(o->to, "0x%" PRIx64 "\n", count_of(r, "fwmark"));
    }
    out_label(o, "mtu");
    fprintf(o->to, "%" PRIu64 "\n", count_of(r, "mtu_bytes"));
}

static void
print_allowed_ips(const struct out *o, const json_t *peer)
{
    const json_t *list = part_of(peer, "allowed_ips"), *item;
    size_t i;

    out_label(o, "allowed ips");
    json_array_foreach(list, i, item)
        fprintf(o->to, "%s%s", i > 0 ? ", " : "", json_string_value(item));
    fputs(json_array_size(list) == 0 ? "(none)\n" : "\n", o->to);
}

static void
print_endpoint(const struct out *o, const json_t *peer)
{
    const char *endpoint = text_of(peer, "endpoint"), *host = text_of(peer, "endpoint_host");

    if (*endpoint == '\0' && *host == '\0')
        return;
    out_label(o, "endpoint");
    if (*endpoint != '\0' && *host != '\0')
        fprintf(o->to, "%s (%s)\n", endpoint, host);
    else
        fprintf(o->to, "%s\n", *endpoint != '\0' ? endpoint : host);
}

static void
print_handshake(const struct out *o, const json_t *peer)
{
    if (part_of(peer, "handshake_age_ms") == NULL)
        return;
    out_label(o, "latest handshake");
    out_duration(o, (uint64_t)(number_of(peer, "handshake_age_ms") / 1000));
    fputs(flag_of(peer, "session") ? " ago\n" : " ago (no session now)\n", o->to);
}

static void
print_transfer(const struct out *o, const json_t *peer)
{
    if (count_of(peer, "received_bytes") == 0 && count_of(peer, "sent_bytes") == 0)
        return;
    out_label(o, "transfer");
    out_bytes(o, (double)count_of(peer, "received_bytes"), "");
    fputs(" received, ", o->to);
    out_bytes(o, (double)count_of(peer, "sent_bytes"), "");
    fputs(" sent\n", o->to);
}

static void
print_keepalive(const struct out *o, const json_t *peer)
{
    if (count_of(peer, "persistent_keepalive_s") == 0)
        return;
    out_label(o, "persistent keepalive");
    fputs("every ", o->to);
    out_duration(o, count_of(peer, "persistent_keepalive_s"));
    fputc('\n', o->to);
}

/* --- the transport --- */

static void
print_transport(const struct out *o, const json_t *peer)
{
    const char *in_use = text_of(peer, "transport"), *set = text_of(peer, "configured_transport");
    const json_t *c = part_of(peer, "connection");

    out_label(o, "transport");
    if (strcmp(in_use, "none") == 0)
        fprintf(o->to, "%s (not in use)", set);
    else
        fprintf(o->to, "%s", in_use);
    if (c != NULL)
        fprintf(o->to, ", %s, %s, %s", flag_of(c, "dialled") ? "dialled" : "accepted",
                text_of(c, "state"), text_of(c, "congestion_control"));
    if (count_of(peer, "dial_failures") > 0)
        fprintf(o->to, ", %" PRIu64 " of %" PRIu64 " dials failed", count_of(peer, "dial_failures"),
                count_of(peer, "dials"));
    fputc('\n', o->to);
}

static void
print_path(const struct out *o, const json_t *c)
{
    uint64_t rate = count_of(c, "delivery_rate_bytes_per_s");

    if (number_of(c, "rtt_ms") <= 0)
        return;
    out_label(o, "path");
    fputs("rtt ", o->to);
    out_ms(o, number_of(c, "rtt_ms"));
    if (part_of(c, "min_rtt_ms") != NULL) {
        fputs(" (least ", o->to);
        out_ms(o, number_of(c, "min_rtt_ms"));
        fputc(')', o->to);
    }
    fputs(", cwnd ", o->to);
    out_bytes(o, (double)count_of(c, "cwnd_bytes"), "");
    fputs(", in flight ", o->to);
    out_bytes(o, (double)count_of(c, "in_flight_bytes"), "");
    if (rate > 0) {
        fputs(", rate ", o->to);
        out_bytes(o, (double)rate, "/s");
    }
    fprintf(o->to, ", mss %" PRIu64 "%s\n", count_of(c, "mss_bytes"),
            flag_of(c, "ecn") ? ", ecn" : "");
}

static void
print_losses(const struct out *o, const json_t *c)
{
    out_label(o, "losses");
    fprintf(o->to,
            "%" PRIu64 " segments sent again, %" PRIu64 " timeouts, %" PRIu64
            " sent twice, %" PRIu64 " messages delivered early%s\n",
            count_of(c, "segments_retransmitted"), count_of(c, "timeouts"),
            count_of(c, "segments_sent_twice"), count_of(c, "early_delivered"),
            flag_of(c, "recut") ? " (somebody on the way cuts segments anew)" : "");
}

static void
print_queue(const struct out *o, const json_t *peer)
{
    const json_t *q = part_of(peer, "queue");

    if (count_of(q, "packets") == 0)
        return;
    out_label(o, "queue");
    fprintf(o->to, "%" PRIu64 " packets, ", count_of(q, "packets"));
    out_bytes(o, (double)count_of(q, "bytes"), "");
    fputs(", waiting for ", o->to);
    out_ms(o, number_of(q, "delay_ms"));
    fputc('\n', o->to);
}

/* "packets_source_denied" reads "packets source denied". */
static void
print_trouble(const struct out *o, const json_t *peer)
{
    json_t *troubles = part_of(peer, "trouble"), *t;
    const char *name;

    json_object_foreach(troubles, name, t)
    {
        out_label(o, "trouble");
        for (const char *c = name; *c != '\0'; c++)
            fputc(*c == '_' ? ' ' : *c, o->to);
        fprintf(o->to, ": %" PRIu64 ", the last ", count_of(t, "count"));
        out_duration(o, (uint64_t)(number_of(t, "age_ms") / 1000));
        fputs(" ago", o->to);
        if (*text_of(t, "source") != '\0')
            fprintf(o->to, " (from %s)", text_of(t, "source"));
        fputc('\n', o->to);
    }
}

static void
print_peer(const struct out *o, const json_t *peer)
{
    const json_t *c = part_of(peer, "connection");

    fputc('\n', o->to);
    out_styled(o, STYLE_PEER, "peer");
    fprintf(o->to, ": %s\n", text_of(peer, "public_key"));
    if (flag_of(peer, "has_preshared_key"))
        line(o, "preshared key", "(hidden)");
    print_endpoint(o, peer);
    print_allowed_ips(o, peer);
    print_handshake(o, peer);
    print_transfer(o, peer);
    print_keepalive(o, peer);
    print_transport(o, peer);
    if (c != NULL) {
        print_path(o, c);
        print_losses(o, c);
    }
    print_queue(o, peer);
    print_trouble(o, peer);
}

void
show_print(const struct out *o, const json_t *report)
{
    json_t *peer;
    size_t i;

    print_interface(o, report);
    json_array_foreach(part_of(report, "peers"), i, peer) print_peer(o, peer);
}
