/**
 * Baichuan models on the executors of an Apache Spark cluster: {@link
 * dev.baichuan4j.spark.TextGenerator} continues or answers the texts of a column, {@link
 * dev.baichuan4j.spark.TextEmbedder} turns them into vectors.
 *
 * <p>Each executor loads a model once, for all of its tasks, whose texts are written together. What
 * Spark does for any job it does for these: it distributes rows, tries failed tasks again, and
 * reads and writes every format it knows.
 */
package dev.baichuan4j.spark;
