// The classifier: loads it, puts it on the egress of the wire, and reads its events.
#ifndef SENDZC_WIRE_CLASSIFIER_H
#define SENDZC_WIRE_CLASSIFIER_H

#include <stdarg.h>
#include <stdbool.h>

#include "wire_event.h"

/// Events of one call of classifier_consume(): what waits is then acknowledged before more is read.
#define CLASSIFIER_MAX_EVENTS 512

/// @returns 0, or a negative errno with *what set to the step that failed
int classifier_open(const char* object_path, const char* near_name, bool hash_payloads, const char** what);
/// @returns a descriptor that is readable while events wait, and wakes who polls it unless it was announced that somebody looks
int classifier_fd(void);
/// Whether the caller looks at the events by itself for now. An event that is under way when this becomes false may still wake nobody.
void classifier_announce(bool looks);
/// Hands waiting events on, CLASSIFIER_MAX_EVENTS at most.
/// @returns how many
int classifier_consume(void (*on_event)(const struct wire_event*));
/// Adds up all CPUs.
void classifier_counted(struct wire_counter counters[WIRE_PROTOCOLS]);

#endif
