package dev.baichuan4j.internal.evaluate;

/**
 * A question of a task, or a part of a text.
 *
 * @param subject name of its subject
 * @param item its number in the subject, from 0 on
 */
public record Place(String subject, int item) {}
