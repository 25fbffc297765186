/** What a server says of itself: whether it lives, whether it is ready, and its numbers. */
package dev.baichuan4j.server.monitor;
