// The filter basic_auth: SHA-crypt against what OpenSSL made, and what clients may send.

using System.Text;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class BasicAuthFilterTests
{
    private const string Users = """{ alice: "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", bob: "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1" }""";

    // Made by `openssl passwd -5` and `-6`; lengths around those of the hashes and their blocks.
    [Theory]
        [InlineData(1, "$5$ss$j8HXQBBM2v17gKtjdLGFMzULhgbcTzbpGIi4FjHYFc7")]
        [InlineData(1, "$6$ss$YYOT0CnaJzTsxHdiI1qgsvMgfaYaLqK9/E3dIS19wfsVAkeGOqdMUXJ56ANA9neIkRPkQzRa9dMZ8BiXdTr0k0")]
        [InlineData(2, "$5$sss$brv06lgL.I6NZKDtV7sHxgm2hECm.diF7zDWQ5KLGX6")]
        [InlineData(2, "$6$sss$HEvMzzNLBH8LXEBP2OwsmMedqDs/RHUDm8VdV38rD1fFtzOQcqPRhltHBNvT//3C//Ql4avEn.MtNkTpHVjQH.")]
        [InlineData(3, "$5$rounds=1003$salt3$7b1IObdmqtFgZKYCEvZFP3tJfwqDYKWH8LFlK.42o27")]
        [InlineData(3, "$6$rounds=1003$salt3$8s7M5xIVF4/5nYM.XCqMo2QzEkEI8m5OLBmc9Xqxw3Yjl4948hFltsVE45lSGevICw3OxTwHU9JRqbGS7WOmS/")]
        [InlineData(15, "$5$rounds=1015$salt15$kFJd7yFOdy7/ejRDWvLHdcsP.uW7klPmcDL8qakATZ6")]
        [InlineData(15, "$6$rounds=1015$salt15$QAJxuAScTKw8lYc85nZ5E0sx64lYe9cyetpa1WMe/iE.UvNKLiOBuWM6x1xmF/PHD/8QIGx0nNM7V1pfUSTbW0")]
        [InlineData(16, "$5$s$Gc2E8G6KZQlY4DEsk5TfqnW1jIqScj/F1tNbfyBwBH4")]
        [InlineData(16, "$6$s$TgL1MlmQ/5vAfUwq9nuhxas6XMNADcppmFBy2rJzwCBVmDXRUR7e7S2XMpom9EydP4UQAuZTDy0nZSMkuE8RG.")]
        [InlineData(31, "$5$ssssssssssssssss$ryR7mLVjhgOlOzFlhfbtGb50pSqRfDfmvOH4AlG/lc7")]
        [InlineData(31, "$6$ssssssssssssssss$JGrjfGW.p.2RpCm0Hm5qWVMaLOHd5OI39khqbNIcYs1f7OhmhWJzGb.kIQChMakn7JzsZO5iERGfJ3v4mUrcb0")]
        [InlineData(32, "$5$s$5cjiExi4l2rKsWEOeiXKIGMAiQHHYlAjhbTcNy6/PRC")]
        [InlineData(32, "$6$s$K6GwP5w6kCOn1otZPl30yriNChX6rh6Lqb9gdEkInngG065bSmzIKOJPZdT5kFyCkjkWwBkWckv6ZtikNpN4z0")]
        [InlineData(33, "$5$rounds=1033$salt33$3/O7jkXihOOUbkBfOMgsacd3XJhNno4hq24ibOhkmy9")]
        [InlineData(33, "$6$rounds=1033$salt33$AO//1hv5YHH.0vW5Cad9MyMnlSfa3YUS1.dHCJcA2arVcjrePFb0EHgJJ4xlexehQC/IsxLqRmKdKqPCRFJjc/")]
        [InlineData(63, "$5$rounds=1063$salt63$B3ImIGHIuJm9KOEIVpwJPFmlH6oCqb9GG2eZCbq21M6")]
        [InlineData(63, "$6$rounds=1063$salt63$cZ6E0fgPo7A7moyc0WATuHpQ6w8cVuttG3fVtxWtrlqLRCiXqmkBRtkBqm5Zj6NtGNla6DQuCT7bM1qxkyYXR.")]
        [InlineData(64, "$5$s$BzUec2sBw3.xXEtqcdG0YG4EW8OYjI4WWoF.hQJCqR/")]
        [InlineData(64, "$6$s$PypTXX9mPcKQAVGusOyi/1vEQjk5/iftOomWvzb/Hg/nIA6Vzz00A0djjYFSFcwAi127izuYXgZzlxf3OgpIM.")]
        [InlineData(65, "$5$ss$/nlNR4LgrSvo9KYmjcVY1uZrbNN4mJptK5P/scrVBO4")]
        [InlineData(65, "$6$ss$3a/bSO6qk.1NcyNLNSTeHq/MCQCZRCOheD0IHKvvrX69/SAWrzwqZkH3r.SUzlsAZG7PZGfr5.M3pkIrqUFm81")]
        [InlineData(100, "$5$sssss$PcrPdFBLtuNya1fTRytWIlfEaEjPBgI3rtDelt0YMU.")]
        [InlineData(100, "$6$sssss$0Z7m6zCBzWVSXl6cUHrz75xwSczugYawhcLUrtn8fmxYzOQU3cy04pvNpyYfyh.741Rw3arm2jNRGDRCCN67Q/")]
        [InlineData(127, "$5$ssssssssssssssss$Gtu4LHNuvrVGI4z3BECtyL.S0/qTOe3KlG/BTFACCv6")]
        [InlineData(127, "$6$ssssssssssssssss$jc/LpM7PFJRJQ6irYFooEYtvrE4keZwqG0ObUBYGgY6t9mqqMYwGLnNyCG1lXV/zp3hMXA2m7jcsyPmeNtVze.")]
        [InlineData(128, "$5$s$arfIp6kKREu.LhKJMsDMbg0hYuDqO1bh5UvnCC.Pui.")]
        [InlineData(128, "$6$s$/ncOjT5b6DzRc2cfOhf5tuCRm.gLCSp5pqsRTyr/YFKB1gL5s0DJHga4BMPHKSIJeERstiuMCXP95nRTF9icf.")]
        [InlineData(129, "$5$rounds=1129$salt129$cZaomI3noLmtu8pF83JX98rxX01Y4iSfda6fOzn1KqC")]
        [InlineData(129, "$6$rounds=1129$salt129$czTttrNcbqp5Qy9muZxLjJ54VjfTEVBHMKSEFjHY3/GmNra.0/7ALHRV9aIGOKlC0TbhEFp0/yuzrCTk5hSIy0")]
    public void Verify_WhatOpenSslMade(int length, string hash)
    {
        byte[] password = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("abcdefghijklmnopqrstuvwxyz0123456789", 5))[..length]);
        var crypt = ShaCrypt.Parse(hash)!;
        Assert.True(crypt.Verify(password));
        password[^1]++;
        Assert.False(crypt.Verify(password));
        Assert.False(crypt.Verify([]));
    }

    [Theory]
    [InlineData("$apr1$salt$IYVWpkAXyDTVk6e2rQMZv1")]
    [InlineData("$2y$10$abcdefghijklmnopqrstuuKxO1JRTk9LCcG5iMLbXXFvI4mS9QwW2")]
    [InlineData("{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=")]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("$6$saltstring$tooshort")]
    [InlineData("$6$rounds=10$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1")]
    [InlineData("$6$rounds=999999999$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1")]
    public void Parse_OtherHashes_AreRefused(string hash) => Assert.Null(ShaCrypt.Parse(hash));

    [Theory]
    [InlineData("alice:Hello world!", 200)]
    [InlineData("bob:Hello world!", 200)]
    [InlineData("bob:Hello world", 401)]
    [InlineData("bob:", 401)]
    [InlineData("bob", 401)]
    [InlineData(":Hello world!", 401)]
    [InlineData("Bob:Hello world!", 401)]
    [InlineData("carol:Hello world!", 401)]
    [InlineData("bob\0:Hello world!", 401)]
    public async Task Passwords_AreChecked(string credentials, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { basic_auth: { users: {{Users}}, realm: a realm, user_header: x-user } } ]""");
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 2; round++)
        {
            var answer = await client.GetAsync("/", $"authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))}\r\nx-user: root\r\n");
            Assert.Equal(status, answer.Status);
            if (status == 401) Assert.Equal("Basic realm=\"a realm\", charset=\"UTF-8\"", answer["www-authenticate"]);
        }

        Assert.Equal(status == 200 ? 2 : 0, upstream.Received.Count);
        Assert.All(upstream.Received, received =>
        {
            Assert.Equal(credentials.Split(':')[0], received["x-user"]);
            Assert.False(received.Has("authorization"));
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("authorization: Basic\r\n")]
    [InlineData("authorization: Basic ====\r\n")]
    [InlineData("authorization: Basic YWxpY2U6SGVsbG8gd29ybGQh, x\r\n")]
    [InlineData("authorization: Bearer YWxpY2U6SGVsbG8gd29ybGQh\r\n")]
    [InlineData("authorization: Basic YWxpY2U6SGVsbG8gd29ybGQh\r\nauthorization: Basic YWxpY2U6SGVsbG8gd29ybGQh\r\n")]
    public async Task WhatIsNoCredential_Is401(string fields)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { basic_auth: { users: {{Users}} } } ]""");
        Assert.Equal(401, (await gateway.GetAsync("/", fields)).Status);
        Assert.Equal(401, (await gateway.GetAsync("/", $"authorization: Basic {new string('Y', 40_000)}\r\n")).Status);
    }

    [Fact]
    public async Task UsersOfAFile_WithComments()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("users", "# made by openssl passwd -6\nbob:$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1\r\n");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { basic_auth: { users_file: {{file}}, remember: none } } ]""");
        Assert.Equal(200, (await gateway.GetAsync("/", $"authorization: basic {Convert.ToBase64String("bob:Hello world!"u8)}\r\n")).Status);
    }
}
