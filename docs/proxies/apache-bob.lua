-- The hooks of apache.conf: `hand_over` says in headers which certificate the client proved possession of, then `verify`
-- asks the verifier of bob-auth about the request, unless `exempt` was there. `bob-auth proxy-config apache-lua` prints this
-- file with another address.

require "apache2"
local socket = require "socket"

local verifier = "127.0.0.1:9443" -- or "unix:/run/bob-auth/verify.sock"
local timeout_s = 5

local socket_path = verifier:match("^unix:(.+)$")

-- What the verifier says about the caller, for the service behind Apache.
local answers = { "X-BoB-Pid", "X-BoB-Entity", "X-BoB-Class", "X-BoB-Expires", "X-BoB-Shadow-Reason" }
-- What goes on to the client with a refusal.
local refusals = { "Cache-Control", "WWW-Authenticate", "X-BoB-Reason" }

-- Headers that speak of identities, or name a method and path other than the request's own: only this file may set them.
-- In lower case; those that end with a dash stand for all that begin so.
local ours = {
    "x-ssl-client-", "ssl-client-", "x-client-cert", "client-cert", "client-cert-chain", "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info", "x-amzn-mtls-", "x-bob-pid", "x-bob-entity",
    "x-bob-class", "x-bob-expires", "x-bob-shadow-reason", "x-bob-reason", "x-original-", "x-rewrite-url",
    "x-http-method", "x-http-method-override", "x-method-override", "x-forwarded-for", "x-forwarded-proto",
}

local function is_ours(name)
    name = name:lower()
    -- Back ends fold an underscore into a dash.
    if name:find("_", 1, true) then
        return true
    end
    for _, own in ipairs(ours) do
        if name == own or (own:sub(-1) == "-" and name:sub(1, #own) == own) then
            return true
        end
    end
    return false
end

-- The bytes. mod_lua takes a zero at the end for the end of a text and leaves it out, and one signature in 256 ends so.
local function decoded(r, base64)
    local bytes = r:base64_decode(base64)
    local length = #base64 / 4 * 3 - #base64:match("=*$")
    return bytes .. string.rep("\0", length - #bytes)
end

-- Takes away what the client said, then says what is true.
function hand_over(r)
    local said = {}
    for name in pairs(r:headers_in_table()) do
        said[#said + 1] = name
    end
    for _, name in ipairs(said) do
        if is_ours(name) then
            r.headers_in[name] = nil
        end
    end
    -- A header that `Connection` names is dropped on the way on: also ours, if the client could choose.
    if r.headers_in["Connection"] then
        local closes = r.headers_in["Connection"]:lower():match("^%s*close%s*$")
        r.headers_in["Connection"] = closes and "close" or "keep-alive"
    end
    local pem = r:ssl_var_lookup("SSL_CLIENT_CERT") or ""
    local base64 = pem:match("^%-+BEGIN CERTIFICATE%-+(.-)%-+END CERTIFICATE%-+%s*$")
    if base64 then
        base64 = base64:gsub("%s", "")
        r.headers_in["X-SSL-Client-SHA1"] = r:sha1(decoded(r, base64))
        r.headers_in["X-SSL-Client-DER"] = base64
    end
    r.headers_in["X-Forwarded-Proto"] = "https" -- mod_proxy adds X-Forwarded-For
    return apache2.DECLINED
end

-- Nothing but a file like this can write notes.
function exempt(r)
    r.notes["bob-auth-exempt"] = "yes"
    return apache2.DECLINED
end

local function connect()
    local connection = socket_path and require("socket.unix")() or socket.tcp()
    connection:settimeout(timeout_s)
    local host, port = verifier:match("^%[?([^%]]+)%]?:(%d+)$")
    local connected, why
    if socket_path then
        connected, why = connection:connect(socket_path)
    else
        connected, why = connection:connect(host, tonumber(port))
    end
    return connected and connection, why
end

-- The verifier's answer to the question about this request; nothing and the reason, if there is none.
local function ask(r)
    local question = {
        "GET /verify HTTP/1.1", "Host: localhost", "Connection: close",
        "X-Original-Method: " .. r.method,
        "X-Original-URI: " .. r.unparsed_uri,
        "X-Forwarded-For: " .. r.useragent_ip,
    }
    -- A header that the client wrote twice comes as one value with a comma, which is no token.
    for _, name in ipairs({ "X-BoB-AuthToken", "X-SSL-Client-SHA1", "X-SSL-Client-DER" }) do
        local value = r.headers_in[name]
        if value then
            question[#question + 1] = name .. ": " .. value
        end
    end
    local connection, why = connect()
    if not connection then
        return nil, why
    end
    connection:send(table.concat(question, "\r\n") .. "\r\n\r\n")
    local answer, broken = connection:receive("*a")
    connection:close()
    if not answer then
        return nil, broken
    end
    local status, head, body = answer:match("^HTTP/1%.%d (%d%d%d)[^\r]*(.-)\r\n\r\n(.*)$")
    local headers = {}
    for name, value in (head or ""):gmatch("\r\n([^:]+):[ \t]*([^\r]*)") do
        headers[name:lower()] = value
    end
    return { status = tonumber(status), headers = headers, body = body }
end

-- Whether it goes to the one place of the verifier that `bob-auth doctor` may look at unverified: what mod_proxy makes of
-- the request counts, not what its path looks like.
local function is_probe(r)
    -- Behind a Unix socket mod_proxy knows it by the name that apache.conf gives it there.
    local place = "proxy:http://" .. (socket_path and "bob-verifier" or verifier) .. "/probe"
    return r.filename:match("^[^?]*") == place
end

function verify(r)
    if r.notes["bob-auth-exempt"] or is_probe(r) then
        return apache2.DECLINED
    end
    local answer, why = ask(r)
    local status = answer and answer.status
    if status == 200 then
        for _, name in ipairs(answers) do
            r.headers_in[name] = answer.headers[name:lower()]
        end
        -- The certificate has done its work; not every service has room for it.
        r.headers_in["X-SSL-Client-DER"] = nil
        return apache2.DECLINED
    end
    if status ~= 401 and status ~= 403 then
        r:err("bob-auth: no verdict from " .. verifier .. ": " .. tostring(status or why))
        return 503
    end
    for _, name in ipairs(refusals) do
        r.err_headers_out[name] = answer.headers[name:lower()]
    end
    r.status = status
    r.content_type = answer.headers["content-type"] or "text/plain"
    r:write(answer.body)
    return apache2.DONE
end
