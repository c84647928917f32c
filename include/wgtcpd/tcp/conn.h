/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout of a connection, for embedding only: no field is to be read or written outside src/tcp. */
#ifndef WGTCPD_TCP_CONN_H
#define WGTCPD_TCP_CONN_H

struct tcp_conn {
    enum tcp_state state;
};

#endif
