/** What the public API and its implementation both see, and what sees neither. */
package dev.baichuan4j.internal.spi;
