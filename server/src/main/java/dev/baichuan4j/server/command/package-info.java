/** The program: options from the command line, the environment and a file, and what they start. */
package dev.baichuan4j.server.command;
