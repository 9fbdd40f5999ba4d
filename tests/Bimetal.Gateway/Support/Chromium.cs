// Debian's Chromium without a window: loads an address, lets its scripts run, and gives the document back as text.

using System.Diagnostics;

namespace Bimetal.Gateway.Tests.Support;

internal static class Chromium
{
    /// <summary>Most time for one load; scripts have a clock of their own that stands still while the network is waited for.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private const int Attempts = 3;

    /// <summary>The document after <paramref name="virtualMs"/> of the scripts' time.</summary>
    /// <param name="isDark">What the page is told that the system prefers.</param>
    public static async Task<string> LoadAsync(Uri address, bool isDark, int virtualMs = 4000)
    {
        string problem = "";
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // A browser that did not start says nothing of the page; a document, whatever it says, is the answer.
            var (document, error) = await RunAsync(address, isDark, virtualMs);
            if (document.Contains("</html>", StringComparison.Ordinal)) return document;
            problem = error;
        }

        throw new InvalidOperationException($"Chromium gave no document for {address}: {problem}");
    }

    private static async Task<(string Document, string Error)> RunAsync(Uri address, bool isDark, int virtualMs)
    {
        string profile = Directory.CreateTempSubdirectory("bimetal-test-").FullName;
        try
        {
            return await RunAsync(address, isDark, virtualMs, profile);
        }
        finally
        {
            Remove(profile);
        }
    }

    // Processes of the browser may end a moment after it, and write until then.
    private static void Remove(string folder)
    {
        for (int attempt = 0; attempt < 20 && Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                Thread.Sleep(50);
            }
        }
    }

    private static async Task<(string Document, string Error)> RunAsync(Uri address, bool isDark, int virtualMs, string profile)
    {
        var start = new ProcessStartInfo("chromium") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--no-first-run", "--no-proxy-server",
            "--user-data-dir=" + profile, "--window-size=1280,1600", $"--virtual-time-budget={virtualMs}", "--blink-settings=preferredColorScheme=" + (isDark ? 0 : 1), "--dump-dom", address.AbsoluteUri,
        ]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        return (await output, await error);
    }
}
