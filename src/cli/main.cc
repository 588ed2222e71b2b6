// The one executable: headrace, gcloud, gsutil.
#include "cli/fronts.h"

int main(int argc, char** argv) {
  return headrace::cli::Main(argc, argv);
}
