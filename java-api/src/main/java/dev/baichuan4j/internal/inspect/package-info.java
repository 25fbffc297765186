/** What can be told of a model's files without loading them. */
package dev.baichuan4j.internal.inspect;
