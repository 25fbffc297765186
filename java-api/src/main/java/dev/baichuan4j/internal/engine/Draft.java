package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;

/**
 * A model that guesses the tokens of another one.
 *
 * @param model of the same vocabulary and on the same context
 * @param cacheType of its pages: F32, F16, BF16 or I8
 */
public record Draft(Model model, ElementType cacheType) {}
