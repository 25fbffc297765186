/**
 * Native handles, ops, the forward pass and the pages of the key-value cache.
 *
 * <p>Letters in comments: T tokens in a call, B sequences, R rows of logits, C hidden size, L
 * layers, H heads, D head size (128), F feed-forward size, V vocabulary, P page slots of a
 * sequence; out[M,N] = x[M,K] * w[N,K]^T.
 */
package dev.baichuan4j.internal.nn;
