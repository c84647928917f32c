/* SPDX-License-Identifier: BSD-3-Clause */
/* Embryos: connections of a listener before their first data. */
#include <wgtcpd/tcp/listen.h>

#include "tcp_script.h"

enum { WINDOW = 1024 };

struct bed {
    struct tcp_embryo e;
    struct tcp_options o;
    wgt_time now;
    struct tcp_segment out;
    enum wgt_drop why;
    struct tcp_memory memory;
    union tcp_record records[8];
    struct tcp_tx tx[4];
    uint8_t bytes[64];
};

static void
bed_init(struct bed *b)
{
    memset(b, 0, sizeof(*b));
    b->now = 7000 * WGT_SEC;
    tcp_memory_init(&b->memory, b->records, 8, b->tx, 4);
    b->o = (struct tcp_options){
        .memory = &b->memory,
        .ecn = true,
        .src_port = 1,
        .dst_port = 2,
        .mss_local = SCRIPT_MSS,
        .mss_default = 536,
        .receive_buffer = WINDOW,
        .receive_buffer_max = 4 << 20,
        .iss = (uint32_t)SCRIPT_ISS,
        .ts_offset = 0xfff00000u,
    };
}

/* Numbers are relative to the first bytes, as in tcp_script.h. */
static struct tcp_segment
segment(uint8_t flags, uint32_t seq, uint32_t ack)
{
    return (struct tcp_segment){.src_port = 2,
                                .dst_port = 1,
                                .seq = peer_seq(seq),
                                .ack = flags & TCP_ACK ? our_seq(ack) : 0,
                                .flags = flags,
                                .window = 500};
}

static struct tcp_segment
full_syn(void)
{
    struct tcp_segment s = segment(TCP_SYN | TCP_ECE | TCP_CWR, 0, 0);

    s.has_mss = s.has_wscale = s.has_sack_permitted = s.has_ts = true;
    s.mss = 1400;
    s.wscale = 9;
    s.ts_val = 0xfffffff0u;
    return s;
}

static void
open_with(struct bed *b, const struct tcp_segment *syn)
{
    bed_init(b);
    assert_int_equal(tcp_embryo_open(&b->e, b->now, &b->o, syn, &b->out), WGT_OK);
}

static void
open_plain(struct bed *b)
{
    struct tcp_segment syn = segment(TCP_SYN, 0, 0);

    open_with(b, &syn);
}

static enum tcp_embryo_event
input_segment(struct bed *b, const struct tcp_segment *seg)
{
    memset(&b->out, 0, sizeof(b->out));
    return tcp_embryo_input(&b->e, b->now, &b->o, seg, &b->out, &b->why);
}

static enum tcp_embryo_event
input(struct bed *b, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_segment seg = segment(flags, seq, ack);

    seg.payload = (struct span){b->bytes, len};
    return input_segment(b, &seg);
}

static void
establish(struct bed *b)
{
    open_plain(b);
    assert_int_equal(input(b, TCP_ACK, 1, 1, 0), TCP_EMBRYO_WAIT);
    assert_true(b->e.established);
}

static void
expect_ack(const struct bed *b)
{
    assert_int_equal(b->out.flags, TCP_ACK);
    assert_int_equal(b->out.seq, our_seq(1));
    assert_int_equal(b->out.ack, peer_seq(1));
}

static void
rfc9293_3_10_7_2_syn_is_answered_with_what_it_offers(void **state)
{
    struct tcp_segment syn = full_syn();
    struct bed b;

    (void)state;
    open_with(&b, &syn);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK | TCP_ECE);
    assert_int_equal(b.out.seq, our_seq(0));
    assert_int_equal(b.out.ack, peer_seq(1));
    assert_int_equal(b.out.src_port, 1);
    assert_int_equal(b.out.window, WINDOW); /* never scaled in a SYN */
    assert_true(b.out.has_mss && b.out.has_wscale && b.out.has_sack_permitted && b.out.has_ts);
    assert_int_equal(b.out.mss, SCRIPT_MSS);
    assert_int_equal(b.out.wscale, 7);
    assert_int_equal(b.out.ts_ecr, syn.ts_val);
    assert_int_equal(b.out.ts_val, (uint32_t)(b.now / WGT_MSEC) + b.o.ts_offset);
    open_plain(&b);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
    assert_true(b.out.has_mss);
    assert_false(b.out.has_wscale || b.out.has_sack_permitted || b.out.has_ts);
}

static void
rfc3168_6_1_1_ecn_only_when_both_want_it(void **state)
{
    struct tcp_segment syn = full_syn();
    struct bed b;

    (void)state;
    syn.flags = TCP_SYN | TCP_ECE; /* RFC 3168: both bits */
    open_with(&b, &syn);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
    bed_init(&b);
    b.o.ecn = false;
    syn = full_syn();
    assert_int_equal(tcp_embryo_open(&b.e, b.now, &b.o, &syn, &b.out), WGT_OK);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
}

static void
rfc3168_6_1_1_1_repeated_syn_and_syn_ack_go_without_ecn(void **state)
{
    struct tcp_segment syn = full_syn(), ack = segment(TCP_ACK, 1, 1);
    struct tcp_conn *c = calloc(1, sizeof(*c));
    struct bed b;

    (void)state;
    open_with(&b, &syn);
    b.now = tcp_embryo_deadline(&b.e);
    assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_REPLY);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_WAIT);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    assert_true(c->ecn.ok);   /* marks are echoed, */
    assert_false(c->ecn.ect); /* but none are asked for */
    tcp_abort(c, b.now);

    open_with(&b, &syn);
    syn.flags = TCP_SYN;
    assert_int_equal(input_segment(&b, &syn), TCP_EMBRYO_REPLY);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_WAIT);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    assert_false(c->ecn.ok);
    tcp_abort(c, b.now);
    free(c);
}

static void
flags_that_make_no_syn(void **state)
{
    static const uint8_t flags[] = {0, TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN | TCP_RST,
                                    TCP_SYN | TCP_FIN};
    struct bed b;

    (void)state;
    for (unsigned i = 0; i < sizeof(flags); i++) {
        struct tcp_segment seg = segment(flags[i], 0, 0);

        bed_init(&b);
        assert_int_equal(tcp_embryo_open(&b.e, b.now, &b.o, &seg, &b.out), WGT_DROP_TCP_FLAGS);
    }
}

/* One forged SYN: three packets to its victim, not more. */
static void
syn_ack_is_sent_three_times_at_most(void **state)
{
    static const wgt_time gaps[] = {1 * WGT_SEC, 2 * WGT_SEC};
    struct bed b;

    (void)state;
    open_plain(&b);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tcp_embryo_deadline(&b.e), b.now + gaps[i]);
        b.now = tcp_embryo_deadline(&b.e) - 1;
        assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_WAIT);
        b.now++;
        assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_REPLY);
        assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
        assert_int_equal(b.out.seq, our_seq(0));
    }
    assert_int_equal(tcp_embryo_deadline(&b.e), b.now + 4 * WGT_SEC);
    b.now += 4 * WGT_SEC;
    assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_END);
}

static void
repeated_syn_is_answered_but_not_too_often(void **state)
{
    struct bed b;

    (void)state;
    open_plain(&b);
    assert_int_equal(input(&b, TCP_SYN, 0, 0, 0), TCP_EMBRYO_REPLY);
    assert_int_equal(b.out.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(b.why, WGT_DROP_TCP_DUPLICATE);
    assert_int_equal(input(&b, TCP_SYN, 0, 0, 0), TCP_EMBRYO_WAIT);
    b.now += 500 * WGT_MSEC;
    assert_int_equal(input(&b, TCP_SYN, 0, 0, 0), TCP_EMBRYO_REPLY);
}

static void
rfc9293_3_10_7_4_ack_of_our_syn_establishes(void **state)
{
    struct bed b;

    (void)state;
    open_plain(&b);
    b.now += 30 * WGT_MSEC;
    assert_int_equal(input(&b, TCP_ACK, 1, 1, 0), TCP_EMBRYO_WAIT);
    assert_int_equal(b.why, WGT_OK);
    assert_true(b.e.established);
    assert_int_equal(b.e.rtt, 30 * WGT_MSEC);
    assert_int_equal(tcp_embryo_deadline(&b.e), WGT_NEVER);
}

static void
rfc9293_3_10_7_4_other_ack_in_syn_received_is_reset_and_nothing_changes(void **state)
{
    static const int acks[] = {0, 2, -1, 1000, INT32_MIN};
    struct bed b;

    (void)state;
    open_plain(&b);
    for (unsigned i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
        assert_int_equal(input(&b, TCP_ACK, 1, (uint32_t)acks[i], 0), TCP_EMBRYO_REPLY);
        assert_int_equal(b.why, WGT_DROP_TCP_ACK);
        assert_int_equal(b.out.flags, TCP_RST);
        assert_int_equal(b.out.seq, our_seq((uint32_t)acks[i]));
        assert_false(b.e.established);
    }
    assert_int_equal(input(&b, TCP_ACK, 1, 1, 0), TCP_EMBRYO_WAIT);
    assert_true(b.e.established);
}

static void
rfc5961_3_2_reset_must_be_exact(void **state)
{
    struct bed b;

    (void)state;
    for (int established = 0; established < 2; established++) {
        if (established)
            establish(&b);
        else
            open_plain(&b);
        assert_int_equal(input(&b, TCP_RST, 0, 0, 0), TCP_EMBRYO_WAIT);
        assert_int_equal(b.why, WGT_DROP_TCP_RST_IGNORED);
        assert_int_equal(input(&b, TCP_RST, 1 + WINDOW, 0, 0), TCP_EMBRYO_WAIT);
        assert_int_equal(b.why, WGT_DROP_TCP_RST_IGNORED);
        assert_int_equal(input(&b, TCP_RST, WINDOW, 0, 0), TCP_EMBRYO_REPLY);
        assert_int_equal(b.why, WGT_DROP_TCP_RST_CHALLENGED);
        expect_ack(&b);
        assert_int_equal(input(&b, TCP_RST, 2, 0, 0), TCP_EMBRYO_WAIT); /* limited */
        assert_int_equal(input(&b, TCP_RST, 1, 0, 0), TCP_EMBRYO_END);
    }
}

static void
rfc5961_4_2_syn_is_challenged_wherever_it_lies(void **state)
{
    static const uint32_t seqs[] = {0, 1, 500, 1u << 30};
    struct bed b;

    (void)state;
    establish(&b);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(input(&b, TCP_SYN, seqs[i], 0, 0), TCP_EMBRYO_REPLY);
        assert_int_equal(b.why, WGT_DROP_TCP_SYN_IN_WINDOW);
        expect_ack(&b);
        assert_int_equal(input(&b, TCP_SYN, seqs[i], 0, 0), TCP_EMBRYO_WAIT);
        b.now += 500 * WGT_MSEC;
    }
    open_plain(&b); /* a caller that has begun anew: its RST in answer frees the place */
    assert_int_equal(input(&b, TCP_SYN, 77777, 0, 0), TCP_EMBRYO_REPLY);
    expect_ack(&b);
    assert_false(b.e.established);
}

static void
rfc5961_5_2_ack_of_what_was_never_sent_is_challenged(void **state)
{
    struct bed b;

    (void)state;
    establish(&b); /* window 500 */
    assert_int_equal(input(&b, TCP_ACK, 1, 2, 0), TCP_EMBRYO_REPLY);
    assert_int_equal(b.why, WGT_DROP_TCP_ACK);
    expect_ack(&b);
    b.now += WGT_SEC;
    assert_int_equal(input(&b, TCP_ACK, 1, (uint32_t)-500, 10), TCP_EMBRYO_REPLY);
    assert_int_equal(b.why, WGT_DROP_TCP_ACK);
    assert_int_equal(input(&b, TCP_ACK, 1, (uint32_t)-499, 10), TCP_EMBRYO_DATA);
}

static void
rfc9293_3_4_window_edges(void **state)
{
    static const struct {
        uint32_t seq, len;
        enum tcp_embryo_event event;
        enum wgt_drop why;
    } cases[] = {
        {1, 1, TCP_EMBRYO_DATA, WGT_OK},
        {1, 64, TCP_EMBRYO_DATA, WGT_OK},
        {0, 2, TCP_EMBRYO_DATA, WGT_OK}, /* its first byte is old, its second new */
        {0, 1, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
        {(uint32_t)-63, 64, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
        {2, 1, TCP_EMBRYO_REPLY, WGT_DROP_TCP_REASSEMBLY_FULL},
        {WINDOW, 1, TCP_EMBRYO_REPLY, WGT_DROP_TCP_REASSEMBLY_FULL},
        {WINDOW + 1, 1, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
        {WINDOW + 1, 0, TCP_EMBRYO_WAIT, WGT_OK},
        {WINDOW + 2, 0, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
        {0, 0, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
        {1u << 31, 1, TCP_EMBRYO_REPLY, WGT_DROP_TCP_SEQUENCE},
    };
    struct bed b;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        establish(&b);
        assert_int_equal(input(&b, TCP_ACK, cases[i].seq, 1, cases[i].len), cases[i].event);
        assert_int_equal(b.why, cases[i].why);
        if (cases[i].event == TCP_EMBRYO_REPLY)
            expect_ack(&b);
    }
}

static void
rfc7323_5_3_old_timestamp_is_refused(void **state)
{
    struct tcp_segment syn = full_syn(), ack = segment(TCP_ACK, 1, 1);
    struct bed b;

    (void)state;
    open_with(&b, &syn);
    ack.has_ts = true;
    ack.ts_val = syn.ts_val - 1;
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_REPLY);
    assert_int_equal(b.why, WGT_DROP_TCP_PAWS);
    assert_false(b.e.established);
    ack.ts_val = syn.ts_val + 0x20; /* over the wrap */
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_WAIT);
    assert_true(b.e.established);
    assert_int_equal(b.e.ts_recent, 0x10);
}

/* What lies beyond a hole was sent later than what is owed an echo. */
static void
rfc7323_4_3_segment_beyond_a_hole_does_not_move_ts_recent(void **state)
{
    struct tcp_segment syn = full_syn(), seg = segment(TCP_ACK, 11, 1);
    struct bed b;

    (void)state;
    open_with(&b, &syn);
    seg.has_ts = true;
    seg.ts_val = syn.ts_val + 9;
    seg.payload = (struct span){b.bytes, 10};
    assert_int_equal(input_segment(&b, &seg), TCP_EMBRYO_REPLY);
    assert_true(b.e.established); /* its ACK counts */
    assert_int_equal(b.e.ts_recent, syn.ts_val);
    assert_int_equal(b.out.ts_ecr, syn.ts_val);
}

static void
window_of_an_old_ack_is_not_taken(void **state)
{
    struct tcp_segment old = segment(TCP_ACK, 1, 0);
    struct bed b;

    (void)state;
    establish(&b);
    old.window = 9;
    assert_int_equal(input_segment(&b, &old), TCP_EMBRYO_WAIT);
    assert_int_equal(b.why, WGT_OK);
    assert_int_equal(b.e.window, 500);
    old.ack++;
    assert_int_equal(input_segment(&b, &old), TCP_EMBRYO_WAIT);
    assert_int_equal(b.e.window, 9);
}

static void
segment_without_ack_is_dropped(void **state)
{
    struct bed b;

    (void)state;
    open_plain(&b);
    assert_int_equal(input(&b, 0, 1, 0, 10), TCP_EMBRYO_WAIT);
    assert_int_equal(b.why, WGT_DROP_TCP_NO_ACK);
    assert_false(b.e.established);
}

static void
data_with_the_handshake_ack_count(void **state)
{
    struct bed b;

    (void)state;
    open_plain(&b);
    assert_int_equal(input(&b, TCP_ACK | TCP_PSH, 1, 1, 64), TCP_EMBRYO_DATA);
    assert_true(b.e.established);
}

static void
fin_without_data_ends_it_with_reset(void **state)
{
    struct bed b;

    (void)state;
    open_plain(&b);
    assert_int_equal(input(&b, TCP_ACK | TCP_FIN, 1, 1, 0), TCP_EMBRYO_RESET);
    assert_int_equal(b.out.flags, TCP_RST | TCP_ACK);
    assert_int_equal(b.out.seq, our_seq(1));
    assert_int_equal(b.out.ack, peer_seq(2));
    establish(&b);
    assert_int_equal(input(&b, TCP_ACK | TCP_FIN, 2, 1, 0),
                     TCP_EMBRYO_REPLY); /* a byte is missing */
    expect_ack(&b);
    assert_int_equal(input(&b, TCP_ACK | TCP_FIN, 1, 1, 9), TCP_EMBRYO_DATA);
}

static void
reset_at_the_deadline_is_that_of_a_connection(void **state)
{
    struct tcp_segment out;
    struct tcp_conn *c = calloc(1, sizeof(*c));
    struct tcp_out full = {.len = 0}; /* compared whole, with SACK blocks that it has not */
    struct bed b;

    (void)state;
    establish(&b);
    tcp_embryo_reset(&b.e, &b.o, &out);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    tcp_abort(c, b.now);
    assert_true(tcp_output(c, b.now, &full));
    assert_memory_equal(&out, &full.seg, sizeof(out));
    free(c);
}

/* All that was agreed, and the connection goes on where the embryo was. */
static void
grows_into_the_connection_it_would_have_been(void **state)
{
    struct tcp_segment syn = full_syn(), ack = segment(TCP_ACK, 1, 1);
    struct tcp_chunk rx = {0}, tx = {0};
    struct tcp_conn *c = calloc(1, sizeof(*c)), *model = calloc(1, sizeof(*model));
    struct tcp_out out = {.len = 0};
    struct bed b;
    bool kept;

    (void)state;
    open_with(&b, &syn);
    assert_int_equal(tcp_open_passive(model, b.now, &b.o, &syn), WGT_OK);
    assert_true(tcp_output(model, b.now, &out));
    assert_memory_equal(&b.out, &out.seg, sizeof(b.out));
    b.now += 30 * WGT_MSEC;
    ack.has_ts = true;
    ack.ts_val = syn.ts_val + 30;
    ack.ts_ecr = out.seg.ts_val;
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_WAIT);
    assert_int_equal(tcp_input(model, b.now, &ack, NULL, &kept), WGT_OK);
    b.now += 2 * WGT_SEC;
    ack.ts_val += 2000;
    ack.flags |= TCP_PSH;
    ack.payload = (struct span){b.bytes, 20};
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_DATA);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    assert_int_equal(tcp_state(c), TCP_ESTABLISHED);

    /* field by field what the model has */
    assert_int_equal(c->mss, 1400 - 12);
    assert_int_equal(c->mss, model->mss);
    assert_int_equal(c->snd_shift, 9);
    assert_int_equal(c->rcv_shift, model->rcv_shift);
    assert_true(c->ts_ok && c->sack_ok && c->wscale_ok && c->passive);
    assert_true(c->ecn.ok && c->ecn.ect);
    assert_int_equal(c->snd_una, model->snd_una);
    assert_int_equal(c->snd_nxt, model->snd_nxt);
    assert_int_equal(c->snd_wnd, 500 << 9);
    assert_int_equal(c->rcv_nxt, model->rcv_nxt);
    assert_int_equal(c->rcv_adv, model->rcv_adv);
    assert_int_equal(c->rtt.srtt, 30 * WGT_MSEC);
    assert_int_equal(c->rtt.rto, model->rtt.rto);
    assert_int_equal(c->cc.cwnd, model->cc.cwnd);
    assert_int_equal(c->iss, model->iss);

    rx = (struct tcp_chunk){.data = b.bytes, .len = 20};
    assert_int_equal(tcp_input(c, b.now, &ack, &rx, &kept), WGT_OK);
    assert_true(kept);
    assert_ptr_equal(tcp_recv(c), &rx);
    tx = (struct tcp_chunk){.data = b.bytes, .len = 20};
    assert_true(tcp_send(c, b.now, &tx));
    assert_true(tcp_output(c, b.now, &out));
    assert_int_equal(out.seg.seq, our_seq(1));
    assert_int_equal(out.seg.ack, peer_seq(21));
    assert_int_equal(out.len, 20);
    assert_int_equal(out.seg.ts_val, (uint32_t)(b.now / WGT_MSEC) + b.o.ts_offset);
    assert_int_equal(out.seg.ts_ecr, ack.ts_val);
    tcp_abort(c, b.now);
    assert_ptr_equal(tcp_reclaim(c), &tx);
    free(c);
    free(model);
}

/* Karn's rule (RFC 6298 3, 5.7); RFC 6928 2: two SYN,ACKs lost, a window of one segment. */
static void
rfc6298_3_handshake_that_was_repeated_gives_no_sample(void **state)
{
    struct tcp_conn *c = calloc(1, sizeof(*c));
    struct bed b;

    (void)state;
    open_plain(&b);
    for (int i = 0; i < 2; i++) {
        b.now = tcp_embryo_deadline(&b.e);
        assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_REPLY);
    }
    b.now += WGT_MSEC;
    assert_int_equal(input(&b, TCP_ACK, 1, 1, 10), TCP_EMBRYO_DATA);
    assert_int_equal(b.e.rtt, WGT_NEVER);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    assert_true(c->rtt.min[0] == WGT_NEVER);
    assert_int_equal(c->rtt.rto, 3 * WGT_SEC);
    assert_int_equal(c->cc.cwnd, c->mss);
    tcp_abort(c, b.now);
    free(c);
}

static void
rfc7323_4_1_repeated_handshake_is_timed_by_timestamps(void **state)
{
    struct tcp_segment syn = full_syn(), ack = segment(TCP_ACK, 1, 1);
    struct tcp_conn *c = calloc(1, sizeof(*c));
    struct bed b;

    (void)state;
    open_with(&b, &syn);
    b.now = tcp_embryo_deadline(&b.e);
    assert_int_equal(tcp_embryo_expire(&b.e, b.now, &b.o, &b.out), TCP_EMBRYO_REPLY);
    ack.has_ts = true;
    ack.ts_val = syn.ts_val;
    ack.ts_ecr = b.out.ts_val;
    b.now += 80 * WGT_MSEC;
    assert_int_equal(input_segment(&b, &ack), TCP_EMBRYO_WAIT);
    assert_int_equal(b.e.rtt, 80 * WGT_MSEC);
    assert_true(tcp_open_embryo(c, &b.o, &b.e));
    assert_int_equal(c->rtt.srtt, 80 * WGT_MSEC);
    tcp_abort(c, b.now);
    free(c);
}

static void
embryo_is_small(void **state)
{
    (void)state;
    print_message("struct tcp_embryo: %zu bytes\n", sizeof(struct tcp_embryo));
    assert_true(sizeof(struct tcp_embryo) <= 96);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9293_3_10_7_2_syn_is_answered_with_what_it_offers),
        cmocka_unit_test(rfc3168_6_1_1_ecn_only_when_both_want_it),
        cmocka_unit_test(rfc3168_6_1_1_1_repeated_syn_and_syn_ack_go_without_ecn),
        cmocka_unit_test(flags_that_make_no_syn),
        cmocka_unit_test(syn_ack_is_sent_three_times_at_most),
        cmocka_unit_test(repeated_syn_is_answered_but_not_too_often),
        cmocka_unit_test(rfc9293_3_10_7_4_ack_of_our_syn_establishes),
        cmocka_unit_test(rfc9293_3_10_7_4_other_ack_in_syn_received_is_reset_and_nothing_changes),
        cmocka_unit_test(rfc5961_3_2_reset_must_be_exact),
        cmocka_unit_test(rfc5961_4_2_syn_is_challenged_wherever_it_lies),
        cmocka_unit_test(rfc5961_5_2_ack_of_what_was_never_sent_is_challenged),
        cmocka_unit_test(rfc9293_3_4_window_edges),
        cmocka_unit_test(rfc7323_5_3_old_timestamp_is_refused),
        cmocka_unit_test(rfc7323_4_3_segment_beyond_a_hole_does_not_move_ts_recent),
        cmocka_unit_test(window_of_an_old_ack_is_not_taken),
        cmocka_unit_test(segment_without_ack_is_dropped),
        cmocka_unit_test(data_with_the_handshake_ack_count),
        cmocka_unit_test(fin_without_data_ends_it_with_reset),
        cmocka_unit_test(reset_at_the_deadline_is_that_of_a_connection),
        cmocka_unit_test(grows_into_the_connection_it_would_have_been),
        cmocka_unit_test(rfc6298_3_handshake_that_was_repeated_gives_no_sample),
        cmocka_unit_test(rfc7323_4_1_repeated_handshake_is_timed_by_timestamps),
        cmocka_unit_test(embryo_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
