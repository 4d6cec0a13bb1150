# One kept-alive HTTP connection to the web port of an Understudy server: a POST of JSON a call, one at a time.
extends Reference

const SERVICE = "/understudy.v1.Web/"
const POLL_USEC = 50

var error := ""  # Why the last call failed; one sentence.

var _http := HTTPClient.new()
var _host := ""
var _port := 0
var _encrypted := false
var _headers := PoolStringArray(["Content-Type: application/json"])
var _request := {}  # Not sent yet: the connection is being made.
var _body := PoolByteArray()
var _deadline := 0  # In milliseconds of OS.get_ticks_msec().


# url: such as "http://127.0.0.1:8080". token: for a server that asks for one, or "".
func _init(url: String, token: String) -> void:
	_encrypted = url.begins_with("https://")
	var place := url.trim_prefix("https://").trim_prefix("http://").trim_suffix("/").split(":")
	_host = place[0]
	_port = int(place[1]) if place.size() > 1 else (443 if _encrypted else 80)
	if token != "":
		_headers.append("Authorization: Bearer " + token)


# Begin a call; it fails after timeout_ms. What it answers comes from poll or wait.
func begin(method: String, form: Dictionary, timeout_ms: int) -> void:
	_deadline = OS.get_ticks_msec() + timeout_ms
	_request = {"path": SERVICE + method, "body": JSON.print(form)}
	_body = PoolByteArray()
	var status := _http.get_status()
	if status != HTTPClient.STATUS_CONNECTED:
		_http.close()
		var _started := _http.connect_to_host(_host, _port, _encrypted)


# The answer as a Dictionary if it is there; null while it is not, and false if the call failed (error says why).
func poll():
	var _polled := _http.poll()
	match _http.get_status():
		HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING, HTTPClient.STATUS_REQUESTING:
			pass
		HTTPClient.STATUS_CONNECTED:
			if _request.empty():
				return _read_answer()
			_send()
		HTTPClient.STATUS_BODY:
			_body.append_array(_http.read_response_body_chunk())
			if _http.get_status() == HTTPClient.STATUS_CONNECTED:
				return _read_answer()
		_:
			return _fail("There is no web port at %s:%d; start one with: understudy serve BUNDLE --web-port" % [_host, _port])
	if OS.get_ticks_msec() > _deadline:
		return _fail("The server at %s:%d did not answer in time." % [_host, _port])
	return null


# The same, but waits for it.
func wait():
	var answer = poll()
	while answer == null:
		OS.delay_usec(POLL_USEC)
		answer = poll()
	return answer


func close() -> void:
	_http.close()


func _send() -> void:
	# Head and body are two writes: with Nagle's algorithm the second would wait for the first's acknowledgement.
	var stream := _http.get_connection()
	if stream is StreamPeerTCP:
		stream.set_no_delay(true)
	var _sent := _http.request(HTTPClient.METHOD_POST, _request.path, _headers, _request.body)
	_request = {}


func _read_answer():
	var parsed := JSON.parse(_body.get_string_from_utf8())
	if parsed.error != OK or not parsed.result is Dictionary:
		return _fail("The server at %s:%d answered with something else than JSON." % [_host, _port])
	if _http.get_response_code() != 200:
		error = parsed.result.get("message", "The server refused, without a reason.")
		return false
	return parsed.result


# The next call makes a new connection: an answer that still came on this one would be taken for its own.
func _fail(sentence: String) -> bool:
	error = sentence
	_http.close()
	return false
