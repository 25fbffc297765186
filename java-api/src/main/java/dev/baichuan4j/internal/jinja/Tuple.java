package dev.baichuan4j.internal.jinja;

import java.util.List;

/** A list that is printed with round brackets and is not equal to a list. */
record Tuple(List<Object> items) {}
