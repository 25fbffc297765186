/**
 * Sessions as they lie on the disk: docs/sessions.md. The classes of {@code format} are made from
 * {@code session.fbs}.
 */
package dev.baichuan4j.internal.session;
