/**
 * Guesses of how a text goes on, and how many of them a step should verify. See docs/speculation.md
 * of the repository.
 */
package dev.baichuan4j.internal.engine.draft;
