// Decoder and validator against V8's: mutated modules of the specification's suite must be accepted or refused by both.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Wasm.Tests;

public sealed class DifferentialTests
{
    private const int Seed = 7;
    private const int ModuleCount = 20_000;
    private const int LargestModuleBytes = 4000;

    // Reads modules with a length before each, prints 1 or 0 for each.
    private const string Judge = """
        const bytes = require('fs').readFileSync(process.argv[2]);
        let verdicts = '';
        for (let at = 0; at < bytes.length;) {
          const length = bytes.readInt32LE(at);
          verdicts += WebAssembly.validate(bytes.subarray(at + 4, at + 4 + length)) ? '1' : '0';
          at += 4 + length;
        }
        process.stdout.write(verdicts);
        """;

    // V8 knows shared memories, which are not known here.
    private static readonly string[] LaterFeatures = ["illegal opcode", "integer too large"];

    [Fact]
    public void MutatedModules_AreJudgedAsByV8()
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        var mutants = Mutants();
        string verdicts = AskV8(mutants);
        Assert.Equal(mutants.Count, verdicts.Length);
        Assert.InRange(verdicts.Count(verdict => verdict == '1'), 500, ModuleCount / 2);
        for (int i = 0; i < mutants.Count; i++)
        {
            var fault = Loading.FaultOf(mutants[i]);
            bool isLater = fault is not null && LaterFeatures.Any(feature => fault.Message.StartsWith(feature, StringComparison.Ordinal));
            bool agree = fault is null == (verdicts[i] == '1') || (isLater && verdicts[i] == '1');
            Assert.True(agree, $"V8 says {verdicts[i]}, we say {fault?.ToString() ?? "valid"}: {Convert.ToHexString(mutants[i])}");
        }
    }

    private static List<byte[]> Mutants()
    {
        var random = new Random(Seed);
        byte[][] originals =
        [
            .. SpecSuite.Commands().Where(command => command is { ModulePath: not null, IsText: false }).Select(command => File.ReadAllBytes(command.ModulePath!))
                .Where(bytes => bytes.Length is > 8 and < LargestModuleBytes),
        ];
        var mutants = new List<byte[]>();
        while (mutants.Count < ModuleCount)
        {
            byte[] bytes = [.. originals[random.Next(originals.Length)]];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                ref byte target = ref bytes[random.Next(8, bytes.Length)];
                target = random.Next(4) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(target ^ (1 << random.Next(8))),
                    2 => bytes[random.Next(8, bytes.Length)],
                    _ => (byte)(target + random.Next(-2, 3)),
                };
            }

            mutants.Add(bytes);
        }

        return mutants;
    }

    private static string AskV8(List<byte[]> modules)
    {
        using var folder = new TemporaryFolder();
        byte[] all = [.. modules.SelectMany(module => (byte[])[.. BitConverter.GetBytes(module.Length), .. module])];
        string[] arguments = ["--experimental-wasm-extended-const", folder.Write("judge.js", Judge), folder.Write("modules.bin", all)];
        try
        {
            using var process = Process.Start(new ProcessStartInfo("node", arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
            string verdicts = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return verdicts;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("no node here: apt-get install nodejs");
            return "";
        }
    }
}
