/**
 * The web page at {@code /}. Its sources are in {@code src/main/web}, of which the build makes one
 * file.
 */
package dev.baichuan4j.server.page;
