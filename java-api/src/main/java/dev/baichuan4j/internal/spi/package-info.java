/** The types that the public API and its implementation both see, and that see neither of them. */
package dev.baichuan4j.internal.spi;
