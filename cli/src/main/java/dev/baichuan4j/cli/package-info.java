/** The command line. */
package dev.baichuan4j.cli;
