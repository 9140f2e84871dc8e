/*
 * http.h: the end of the HTTP client's life; cairn_http and what belongs to it are declared in the plugin header.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_HTTP_H
#define CAIRN_HTTP_H

void http_release(void); /* closes kept-alive connections */

#endif
