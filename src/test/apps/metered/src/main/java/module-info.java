module app {
  requires dev.baichuan4j;
  requires micrometer.core;
}
