package dev.baichuan4j.internal.engine;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.internal.nn.Adapter;

/**
 * An adapter that requests may choose.
 *
 * @param info what its users see
 * @param adapter where it is on the device
 * @param generation a number that no other adapter of the engine has or had: what was computed with
 *     one is not taken over with another of the same name
 */
record LoadedAdapter(AdapterInfo info, Adapter adapter, long generation) {}
