/**
 * The implementation of the public API. Each class here implements an interface of {@code
 * dev.baichuan4j}, and {@code PublicEntryPoints} is what that package's static methods lead to.
 */
package dev.baichuan4j.internal.api;
