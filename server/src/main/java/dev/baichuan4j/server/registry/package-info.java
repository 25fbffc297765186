/** The models of a server: loaded when they are asked for, unloaded when others need the memory. */
package dev.baichuan4j.server.registry;
