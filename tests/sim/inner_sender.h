/* SPDX-License-Identifier: BSD-3-Clause */
/* The sending half of the model TCP: what is outstanding, what is lost, what may leave. */
#ifndef SIM_INNER_SENDER_H
#define SIM_INNER_SENDER_H

#include "inner_tcp.h"

/* The sender's sequence number of segment 0. */
enum { INNER_TCP_FIRST_SEQ = 1 };

void inner_sender_acked(struct inner_tcp *t, wgt_time now, const struct tcp_segment *ack);
/* Timers that are due by now. */
void inner_sender_expire(struct inner_tcp *t, wgt_time now);
wgt_time inner_sender_deadline(const struct inner_tcp *t);
/* The path takes less: what is outstanding leaves again, and the window stays (Linux's "simple
 * retransmit"). */
void inner_sender_repeat(struct inner_tcp *t);
/* Which segment leaves next; false: none may. */
bool inner_sender_next(struct inner_tcp *t, uint32_t *segment);
/* It left, as that packet. */
void inner_sender_sent(struct inner_tcp *t, wgt_time now, uint32_t segment, uint32_t number);

#endif
