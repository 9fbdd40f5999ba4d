/* signature-scan as somebody writes it who has native alone in mind: most bytes are passed over without the automaton. */
#define SCAN "trigram_scan.h"
#include "../../plugins/signature-scan/signature_scan.c"
