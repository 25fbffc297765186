package dev.baichuan4j.spark;

import java.io.Serializable;
import java.util.function.UnaryOperator;

/**
 * What is changed in settings, as code that travels to the executors: {@code options ->
 * options.withMaxNewTokens(64)}. What it refers to must be serializable.
 *
 * @param <T> the settings
 */
@FunctionalInterface
public interface Change<T> extends UnaryOperator<T>, Serializable {}
