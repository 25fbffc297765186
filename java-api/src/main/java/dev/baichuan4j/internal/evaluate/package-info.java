/** How good a model is: perplexity, divergence from another, and tasks with right answers. */
package dev.baichuan4j.internal.evaluate;
