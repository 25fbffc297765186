// Leaves one synchronisation out. The environment says which one, so that a program that was built once
// can show for each of them whether its tests notice (tools/sync-mutations).
//
//   BC_SIMT_WITHOUT='OP FILE:LINE'    this one does nothing
//   BC_SIMT_SYNCHRONISATIONS=FILE     FILE gets those that were executed, one 'OP FILE:LINE' a line
#include <cstdio>
#include <cstdlib>
#include <set>

#include "machine.h"

namespace simt {
namespace {

struct Wish {
  const char* without = std::getenv("BC_SIMT_WITHOUT");
  const char* list = std::getenv("BC_SIMT_SYNCHRONISATIONS");
  std::set<std::string> seen;

  ~Wish() {
    if (list == nullptr) return;
    std::FILE* file = std::fopen(list, "w");
    if (file == nullptr) {
      std::perror(list);
      std::abort();
    }
    for (const std::string& each : seen) std::fprintf(file, "%s\n", each.c_str());
    std::fclose(file);
  }
};

}  // namespace

bool taken_out(const char* op, Site site) {
  static Wish wish;
  if (wish.without == nullptr && wish.list == nullptr) return false;
  const std::string name = std::string(op) + " " + name_of(site);
  if (wish.list != nullptr) wish.seen.insert(name);
  return wish.without != nullptr && name == wish.without;
}

}  // namespace simt
