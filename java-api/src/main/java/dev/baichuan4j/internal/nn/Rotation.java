package dev.baichuan4j.internal.nn;

/**
 * How RoPE turns the heads of a model.
 *
 * @param heads H, heads of queries
 * @param frequencies [D/2], radians from a position to the next; not to be changed
 * @param scale what cosines and sines are multiplied by
 */
record Rotation(int heads, double[] frequencies, float scale) {}
