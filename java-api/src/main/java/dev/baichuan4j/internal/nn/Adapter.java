package dev.baichuan4j.internal.nn;

/**
 * An adapter that is on a device.
 *
 * @param slot its place among others, from 0
 * @param targets the bits of the products that it adds to
 */
public record Adapter(int slot, int targets) {}
