/**
 * Files as they are read here: every read is checked, and every failure says which file and why.
 */
package dev.baichuan4j.internal.files;
