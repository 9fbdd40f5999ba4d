// Debian's Chromium without a window: loads an address, lets its scripts run, and gives the document back as text, or prints it.

using System.Diagnostics;

namespace Bimetal.Testing;

/// <summary>Runs the browser; a profile of its own for every run.</summary>
public static class Chromium
{
    /// <summary>Most time for one run; scripts have a clock of their own that stands still while the network is waited for.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(90);

    private const int Attempts = 3;

    /// <summary>The document after its scripts ran.</summary>
    /// <param name="address">Of the page; a file's as well.</param>
    /// <param name="isDark">What the page is told that the system prefers.</param>
    /// <param name="width">Of the window, in pixels; Chromium has a least one of about 500.</param>
    /// <exception cref="InvalidOperationException">There is no document after several attempts.</exception>
    public static async Task<string> LoadAsync(Uri address, bool isDark, int width, CancellationToken cancellation)
    {
        string problem = "";
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // A browser that did not start says nothing of the page; a document, whatever it says, is the answer.
            var (document, error) = await RunAsync(
                [$"--window-size={width},1600", "--virtual-time-budget=4000", "--blink-settings=preferredColorScheme=" + (isDark ? 0 : 1), "--dump-dom", address.AbsoluteUri], cancellation);
            if (document.Contains("</html>", StringComparison.Ordinal)) return document;
            problem = error;
        }

        throw new InvalidOperationException($"Chromium gave no document for {address}: {problem}");
    }

    /// <summary>Prints a page into a PDF file.</summary>
    /// <exception cref="InvalidOperationException">There is no file after several attempts.</exception>
    public static async Task PrintAsync(Uri address, string file, CancellationToken cancellation)
    {
        string problem = "";
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            (_, problem) = await RunAsync(["--print-to-pdf=" + file, address.AbsoluteUri], cancellation);
            if (File.Exists(file)) return;
        }

        throw new InvalidOperationException($"Chromium printed nothing for {address}: {problem}");
    }

    private static async Task<(string Document, string Error)> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        string profile = Directory.CreateTempSubdirectory("bimetal-test-").FullName;
        try
        {
            return await RunAsync(arguments, profile, cancellation);
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

    private static async Task<(string Document, string Error)> RunAsync(IReadOnlyList<string> arguments, string profile, CancellationToken cancellation)
    {
        string[] common =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--no-first-run", "--no-proxy-server",
            "--user-data-dir=" + profile,
        ];
        var start = new ProcessStartInfo("chromium", [.. common, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_limit);
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
