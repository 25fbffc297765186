/** Small JSON files whose values are checked as they are read. */
package dev.baichuan4j.internal.json;
