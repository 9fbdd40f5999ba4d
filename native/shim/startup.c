// Lets go of those pages of the program's file that only starting needed; src/Bimetal.Gateway/Operation/StartupPages.cs calls it.

#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// The first object is the program itself. Segments that can be written, read-only data after relocation among them, hold what is in no file.
static int forget_unwritable(struct dl_phdr_info *program, size_t bytes, void *state)
{
    (void)bytes;
    (void)state;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < program->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
        uintptr_t from = (program->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t to = (program->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
        if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 1;
}

__attribute__((visibility("default"))) void bimetal_forget_startup(void)
{
    dl_iterate_phdr(forget_unwritable, NULL);
}
