/* token-auth as somebody writes it who has native alone in mind: SHA-256 by the processor's own instructions. */
#define SHA256_BLOCK "sha256_block.h"
#include "../../plugins/token-auth/token_auth.c"
