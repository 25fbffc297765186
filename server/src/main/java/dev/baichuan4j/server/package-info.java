/**
 * What the endpoints of a server and the server around them know of each other: models, callers,
 * errors, limits and cancellation.
 */
package dev.baichuan4j.server;
