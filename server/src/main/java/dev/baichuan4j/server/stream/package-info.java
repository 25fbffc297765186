/**
 * Responses that are made later than their handler returns, and written as fast as their reader
 * takes them: no thread waits for a model or for a reader, and what is held for a reader is
 * bounded.
 */
package dev.baichuan4j.server.stream;
