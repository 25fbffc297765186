package dev.baichuan4j;

import java.time.Duration;

/**
 * Times of a generation.
 *
 * @param queued from the request to its first step
 * @param prompt from there to the first token
 * @param generation from the first token to the last
 */
public record Timings(Duration queued, Duration prompt, Duration generation) {}
