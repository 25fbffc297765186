package dev.baichuan4j.internal.nn;

/**
 * Norms of each head of queries and keys: head / rms(head) * norm.
 *
 * @param query [D]
 * @param key [D]
 * @param eps added to the mean of squares
 */
record HeadNorms(Tensor query, Tensor key, float eps) {
  long bytes() {
    return query.bytes() + key.bytes();
  }
}
