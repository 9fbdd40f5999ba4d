// WASI: a C program with its library's start-up, and guests that pass bad pointers and descriptors.

using System.Diagnostics;
using System.Text;
using Bimetal.Testing;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class WasiTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private const string Program = """
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <time.h>
        #include <unistd.h>
        int main(int count, char **words) {
          printf("hello, %d words, last is %s\n", count, words[count - 1]);
          const char *greeting = getenv("GREETING");
          printf("GREETING=%s\n", greeting ? greeting : "(none)");
          struct timespec now;
          printf("realtime %d", clock_gettime(CLOCK_REALTIME, &now));
          printf(" %d, monotonic %d\n", now.tv_sec > 1700000000, clock_gettime(CLOCK_MONOTONIC, &now));
          unsigned char bytes[32] = {0};
          int random = getentropy(bytes, sizeof bytes), sum = 0;
          for (int i = 0; i < 32; i++) sum |= bytes[i];
          printf("random %d %d\n", random, sum != 0);
          printf("open %s\n", fopen("/etc/passwd", "r") ? "opened" : "refused");
          char line[32];
          printf("input %s\n", fgets(line, sizeof line, stdin) ? line : "(end)");
          fprintf(stderr, "on the error output\n");
          if (count > 1) exit(atoi(words[1]));
          return 0;
        }
        """;

    // Functions that pass what they are given to WASI and return the error number.
    private const string Hostile = """
        (module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
          (import "wasi_unstable" "fd_filestat_get" (func $oldStatus (param i32 i32) (result i32)))
          (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 16) "\40\00\00\00\03\00\00\00")            ;; 3 bytes at 64
          (data (i32.const 24) "\fe\ff\00\00\03\00\00\00")            ;; 3 bytes at 65534: one too many
          (data (i32.const 32) "\40\00\00\00\ff\ff\ff\ff")            ;; 4 GiB at 64
          (data (i32.const 64) "abc")
          (func (export "write") (param i32 i32 i32 i32) (result i32) (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
          (func (export "read") (param i32 i32 i32 i32) (result i32) (call $read (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
          (func (export "random") (param i32 i32) (result i32) (call $random (local.get 0) (local.get 1)))
          (func (export "time") (param i32 i32) (result i32) (call $time (local.get 0) (i64.const 1) (local.get 1)))
          (func (export "args") (param i32 i32) (result i32) (call $args (local.get 0) (local.get 1)))
          (func (export "seek") (param i32) (result i32) (call $seek (local.get 0) (i64.const 0) (i32.const 0) (i32.const 0)))
          (func (export "closeTwice") (param i32) (result i32 i32) (call $close (local.get 0)) (call $close (local.get 0)))
          (func (export "oldStatus") (result i32) (call $oldStatus (i32.const 1) (i32.const 0)))
          (func (export "exit") (param i32) (call $exit (local.get 0)) unreachable))
        """;

    private const int BadDescriptor = 8, Fault = 21, Invalid = 28, NoSuchFunction = 52, InvalidSeek = 70;

    [Fact]
    public void Start_CProgram_RunsWithItsLibrary()
    {
        string file = CompileC();
        var run = engine.Invoke(file, "_start 7 last", request => request with
        {
            Environment = ["GREETING=grüß Gott"],
            StandardInput = new MemoryStream(Encoding.UTF8.GetBytes("typed in\n")),
        });
        Assert.Equal(
            "hello, 3 words, last is last\nGREETING=grüß Gott\nrealtime 0 1, monotonic 0\nrandom 0 1\nopen refused\ninput typed in\n\n",
            run.Output);
        Assert.Equal("on the error output\n", run.Error);
        Assert.Equal(7, run.ExitCode);
    }

    [Fact]
    public void Start_CProgram_InheritsNothing()
    {
        var run = engine.Invoke(CompileC(), "_start");
        Assert.Contains("1 words, last is program.wasm\n", run.Output);
        Assert.Contains("GREETING=(none)\n", run.Output);
        Assert.Contains("input (end)\n", run.Output);
        Assert.Equal(0, run.ExitCode);
    }

    [Theory]
    [InlineData("write 1 16 1 0", 0, "abc")]
    [InlineData("write 2 16 1 0", 0, "")]
    [InlineData("write 1 16 0 0", 0, "")]
    [InlineData("write 1 24 1 0", Fault, "")]
    [InlineData("write 1 65530 1 0", Fault, "")]
    [InlineData("write 1 -8 1 0", Fault, "")]
    [InlineData("write 1 16 1 65533", Fault, "abc")]
    [InlineData("write 1 16 536870912 0", Invalid, "")]
    [InlineData("write 1 32 1 0", Fault, "")]
    [InlineData("write 0 16 1 0", BadDescriptor, "")]
    [InlineData("write 3 16 1 0", BadDescriptor, "")]
    [InlineData("write -1 16 1 0", BadDescriptor, "")]
    [InlineData("read 0 16 1 0", 0, "")]
    [InlineData("read 1 16 1 0", BadDescriptor, "")]
    [InlineData("read 0 24 1 0", Fault, "")]
    [InlineData("random 0 65536", 0, "")]
    [InlineData("random 1 65536", Fault, "")]
    [InlineData("random -1 2", Fault, "")]
    [InlineData("random 0 -1", Invalid, "")]
    [InlineData("time 0 65528", 0, "")]
    [InlineData("time 1 65529", Fault, "")]
    [InlineData("time 9 0", Invalid, "")]
    [InlineData("args 0 65534", Fault, "")]
    [InlineData("args 65533 0", Fault, "")]
    [InlineData("seek 1", InvalidSeek, "")]
    [InlineData("seek 5", BadDescriptor, "")]
    [InlineData("oldStatus", NoSuchFunction, "")]
    public void Call_AnyArguments_AnswersAnErrorNumber(string call, int errorNumber, string written)
    {
        var run = engine.Invoke(HostileFile(), call);
        Assert.Equal($"{written}i32:{errorNumber}\n", run.Output);
        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public void Close_Twice_IsABadDescriptor() =>
        Assert.Equal($"i32:0\ni32:{BadDescriptor}\n", engine.Invoke(HostileFile(), "closeTwice 1").Output);

    /// <summary>Go's scheduler asks for a clock. A guest that sleeps must not hold a thread.</summary>
    [Theory]
    [InlineData("0 1024 3 2048", 0)]
    [InlineData("0 1024 0 2048", Invalid)]
    [InlineData("0 1024 1025 2048", Invalid)]
    [InlineData("65520 1024 1 2048", Fault)]
    [InlineData("0 65530 1 2048", Fault)]
    [InlineData("0 1024 1 65534", Fault)]
    [InlineData("-1 1024 1 2048", Fault)]
    public void PollOneOff_WaitsForNothing(string arguments, int error)
    {
        // Three subscriptions: the monotonic clock in 1,000 s, a clock that there is not, standard output.
        string file = engine.Write("poll.wasm", Wat.ToWasm("""
            (module (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)
              (data (i32.const 0) "\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\10\a5\d4\e8\00\00\00")
              (data (i32.const 48) "\08\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\09\00\00\00")
              (data (i32.const 96) "\09\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\01\00\00\00")
              (func (export "poll") (param i32 i32 i32 i32) (result i32 i32 i64 i32 i64 i32 i64 i32)
                (call $poll (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.load (i32.const 2048))
                (i64.load (i32.const 1024)) (i32.load (i32.const 1032)) (i64.load (i32.const 1056)) (i32.load (i32.const 1064)) (i64.load (i32.const 1088)) (i32.load (i32.const 1096))))
            """));
        string[] results = engine.Invoke(file, "poll " + arguments).Output.TrimEnd().Split('\n');
        Assert.Equal($"i32:{error}", results[0]);
        if (error == 0) Assert.Equal(["i32:3", "i64:7", "i32:0", "i64:8", "i32:58", "i64:9", "i32:131072"], results[1..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(255)]
    public void ProcExit_Code_IsPassedOn(int code)
    {
        var run = engine.Invoke(HostileFile(), $"exit {code}");
        Assert.Equal("", run.Error);
        Assert.Equal(code, run.ExitCode);
    }

    [Fact]
    public void Library_Initialize_RunsFirst()
    {
        string file = engine.Write("library.wasm", Wat.ToWasm("""
            (module (global $g (mut i32) (i32.const 1)) (func (export "_initialize") (global.set $g (i32.const 2)))
              (func (export "get") (result i32) (global.get $g)))
            """));
        Assert.Equal("i32:2\n", engine.Invoke(file, "get").Output);
    }

    private string HostileFile() => engine.Write("hostile.wasm", Wat.ToWasm(Hostile));

    private string CompileC()
    {
        string source = engine.Write("program.c", Program);
        string target = Path.ChangeExtension(source, ".wasm");
        var start = new ProcessStartInfo("clang-19", ["--target=wasm32-wasi", "-O1", source, "-o", target]) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string message = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0 && message.Contains("stdio.h", StringComparison.Ordinal)) Assert.Skip("no wasi-libc here: apt-get install wasi-libc libclang-rt-19-dev-wasm32");
        Assert.True(process.ExitCode == 0, message);
        return target;
    }
}
