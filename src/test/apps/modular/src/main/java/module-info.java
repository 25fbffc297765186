module app {
  requires dev.baichuan4j;
}
