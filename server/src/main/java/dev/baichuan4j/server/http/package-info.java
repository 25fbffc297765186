/**
 * The HTTP server, without any of its endpoints: Jetty, and what bounds, refuses and ends requests
 * before and around them.
 */
package dev.baichuan4j.server.http;
