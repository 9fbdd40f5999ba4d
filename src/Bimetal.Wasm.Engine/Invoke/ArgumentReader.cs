// From the words of the command line to the typed arguments of a function, and back to lines of results.

using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Invoke;

internal static class ArgumentReader
{
    /// <summary>The buffer of a call: arguments filled in, large enough for the results.</summary>
    /// <exception cref="InvokeException">Too few, too many, or not of the type.</exception>
    internal static ulong[] Read(string export, FunctionType type, IReadOnlyList<string> words)
    {
        if (words.Count != type.Parameters.Length)
        {
            string message = $"{export} takes {type.Parameters.Length} argument{(type.Parameters.Length == 1 ? "" : "s")}, {words.Count} given: its type is {type}";
            throw new InvokeException(message, ExitCodes.WrongUsage);
        }

        ulong[] buffer = new ulong[Math.Max(type.BufferSlotCount, 1)];
        int slot = 0;
        for (int i = 0; i < words.Count; i++)
        {
            var parameter = type.Parameters[i];
            if (!ValueText.TryParse(words[i], parameter, out var value))
            {
                string message = $"argument {i + 1} of {export}: \"{words[i]}\" is no {parameter.Name()}; expected {ValueText.Expectation(parameter)}";
                throw new InvokeException(message, ExitCodes.WrongUsage);
            }

            slot += value.WriteTo(buffer.AsSpan(slot));
        }

        return buffer;
    }

    internal static IEnumerable<GuestValue> Results(FunctionType type, ulong[] buffer)
    {
        int slot = 0;
        foreach (var result in type.Results)
        {
            yield return GuestValue.ReadFrom(buffer.AsSpan(slot), result);
            slot += result.SlotCount();
        }
    }
}
