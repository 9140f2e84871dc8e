/*
 * inbox.h: what other processes ask of a run's driver; written by commands, read by the engine.
 * SPDX-License-Identifier: MIT
 *
 * Messages, put with store_post and recorded when the driver takes them up:
 *   {"op":"answer","id":GATE?,"ok":true|false,"by":WHO,"comment":TEXT?,"typed":NAME?}  for a gate; without an id, for
 * the only open one
 *   {"op":"signal","name":NAME,"value":V,"by":WHO}
 *   {"op":"cancel","by":WHO,"reason":TEXT?}
 *   {"op":"resolve","id":STEP,"done":true|false,"value":V?,"by":WHO,"reason":TEXT}     for a step in state unknown
 */
#ifndef CAIRN_INBOX_H
#define CAIRN_INBOX_H
#endif
